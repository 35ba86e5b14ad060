package main

const (
	stageOuter        = "stage-outer"
	stageInner        = "stage-inner"
	controlDescriptor = 3
)

func stage(string) int { return 1 }
func run(any) int      { return 1 }
