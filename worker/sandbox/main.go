// taskfleet-sandbox confines programs by what the kernel offers to any user: Landlock, seccomp, limits.
//
//	taskfleet-sandbox probe                                what this process may use, as JSON
//	taskfleet-sandbox run                                  runs the program of the policy on descriptor 3
//	taskfleet-sandbox confine --policy JSON -- COMMAND...  confines itself, then becomes COMMAND
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
)

const usage = `usage:
  taskfleet-sandbox probe
  taskfleet-sandbox run      (policy and control channel on descriptor 3; see docs/sandbox.md)
  taskfleet-sandbox confine --policy JSON -- COMMAND [ARGUMENT...]
`

const (
	exitFailed = 125
	exitUsage  = 64
)

// Landlock and seccomp bind to threads: all that confines, forks or executes stays on the main one.
func init() { runtime.LockOSThread() }

func main() {
	os.Exit(command(os.Args[1:]))
}

func command(words []string) int {
	if len(words) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return exitUsage
	}
	switch words[0] {
	case "probe":
		return report(probe())
	case "run":
		return run(os.NewFile(controlDescriptor, "control"))
	case "confine":
		return confine(words[1:])
	case stageOuter, stageInner:
		return stage(words[0])
	}
	fmt.Fprintf(os.Stderr, "taskfleet-sandbox: there is no command %q\n%s", words[0], usage)
	return exitUsage
}

func report(value any) int {
	text, err := json.Marshal(value)
	if err != nil {
		return fail(err)
	}
	fmt.Println(string(text))
	return 0
}

func fail(err error) int {
	fmt.Fprintf(os.Stderr, "taskfleet-sandbox: %v\n", err)
	return exitFailed
}
