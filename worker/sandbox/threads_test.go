package main

import (
	"os"
	"sync"
	"syscall"
	"testing"
)

func threads(t *testing.T) uint64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	return statusNumber(text, "Threads")
}

func TestReservedThreadsServeWhatBlocks(t *testing.T) {
	reserveThreads()
	before := threads(t)
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		t.Fatal(err)
	}
	const blocked = reserved - 4
	var reading, ended sync.WaitGroup
	reading.Add(blocked)
	for range blocked {
		ended.Go(func() {
			reading.Done()
			// Not by os.File, which would wait without a thread.
			_, _ = syscall.Read(pipe[0], make([]byte, 1))
		})
	}
	reading.Wait()
	if now := threads(t); now != before {
		t.Errorf("%d threads while %d reads block, %d before", now, blocked, before)
	}
	_, _ = syscall.Write(pipe[1], make([]byte, blocked))
	ended.Wait()
}
