package main

import (
	"runtime"
	"sync"
)

// reserved threads suffice for all that blocks at once in the helper: two that run, the readers of its channels,
// signals, the runtime's own.
const reserved = 12

// reserveThreads has Go's runtime make its threads now: it keeps those that are idle and ends the process when it
// cannot make one, as when a program has used up the processes of the container.
func reserveThreads() {
	runtime.GOMAXPROCS(min(2, runtime.GOMAXPROCS(0)))
	var running, ended sync.WaitGroup
	running.Add(reserved)
	for range reserved {
		ended.Go(func() {
			// A locked goroutine keeps its thread to itself while it waits.
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			running.Done()
			running.Wait()
		})
	}
	ended.Wait()
}
