package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Ended is the last event: how the program ended, and the limit that ended it, if one did.
type Ended struct {
	Event string `json:"event"`
	// null when a signal ended it.
	ExitCode *int    `json:"exitCode"`
	Signal   *string `json:"signal"`
	// cpu, memory, processes, output, timeout, denied; null when no limit was hit.
	Limit *string `json:"limit"`
	CPUMs uint64  `json:"cpuMs"`
	// Most that the watch saw.
	MemoryBytes uint64 `json:"memoryBytes"`
	Processes   uint64 `json:"processes"`
}

func (one *sandboxed) finish(status syscall.WaitStatus) int {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage) == nil {
		one.ended.CPUMs = max(one.ended.CPUMs, uint64(usage.Utime.Nano()+usage.Stime.Nano())/1e6)
	}
	one.ended.Event = "ended"
	code := exitFailed
	if status.Signaled() {
		name := unix.SignalName(status.Signal())
		one.ended.Signal = &name
		code = 128 + int(status.Signal())
	} else {
		code = status.ExitStatus()
		one.ended.ExitCode = &code
	}
	if one.limit == "" && one.volume.full() {
		one.limit = "output"
	}
	if one.limit == "" {
		one.limit = limitOf(status, one.ended.CPUMs >= one.policy.Limits.CPUMs)
	}
	if one.limit != "" {
		one.ended.Limit = &one.limit
	}
	_ = one.say.Encode(one.ended)
	return code
}

// limitOf tells the limit from how the program ended. A shell says that a signal ended its child by 128 + number.
func limitOf(status syscall.WaitStatus, cpuUsedUp bool) string {
	number := status.ExitStatus() - 128
	if status.Signaled() {
		number = int(status.Signal())
	}
	switch syscall.Signal(number) {
	case syscall.SIGSYS:
		return "denied"
	case syscall.SIGXCPU:
		return "cpu"
	case syscall.SIGXFSZ:
		return "output"
	case syscall.SIGKILL:
		if cpuUsedUp {
			return "cpu"
		}
	}
	return ""
}
