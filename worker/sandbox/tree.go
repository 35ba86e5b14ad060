package main

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// Process is what /proc says of one.
type process struct {
	pid, parent int
	uid         uint32
	// Clock ticks of itself and of those of its children that it waited for.
	ticks uint64
}

// parseStat reads /proc/PID/stat. The name in it may hold anything, parentheses too.
func parseStat(text []byte) (process, bool) {
	begin, end := bytes.IndexByte(text, ' '), bytes.LastIndexByte(text, ')')
	if begin < 0 || end < 0 {
		return process{}, false
	}
	pid, err := strconv.Atoi(string(text[:begin]))
	fields := bytes.Fields(text[end+1:])
	const parentAt, firstTime, lastTime = 1, 11, 14
	if err != nil || len(fields) <= lastTime {
		return process{}, false
	}
	one := process{pid: pid}
	if one.parent, err = strconv.Atoi(string(fields[parentAt])); err != nil {
		return process{}, false
	}
	for at := firstTime; at <= lastTime; at++ {
		ticks, err := strconv.ParseUint(string(fields[at]), 10, 64)
		if err != nil {
			return process{}, false
		}
		one.ticks += ticks
	}
	return one, true
}

// statusNumber finds a number such as that of `RssAnon:   12 kB`; 0 when it is not there.
func statusNumber(text []byte, name string) uint64 {
	_, rest, found := bytes.Cut(text, []byte("\n"+name+":"))
	if !found {
		return 0
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) == 0 {
		return 0
	}
	number, err := strconv.ParseUint(string(fields[0]), 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// processes lists all that /proc shows.
func processes() []process {
	folder, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer folder.Close()
	names, _ := folder.Readdirnames(-1)
	found := make([]process, 0, len(names))
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		text, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		if one, ok := parseStat(text); ok {
			found = append(found, one)
		}
	}
	return found
}

// descendants picks those that come from `root`, without it.
func descendants(all []process, root int) []process {
	children := make(map[int][]process, len(all))
	for _, one := range all {
		children[one.parent] = append(children[one.parent], one)
	}
	var found []process
	for open := []int{root}; len(open) > 0; {
		parent := open[len(open)-1]
		open = open[:len(open)-1]
		for _, child := range children[parent] {
			found = append(found, child)
			open = append(open, child.pid)
		}
		delete(children, parent)
	}
	return found
}

// usage is what a program and all that it started use.
type usageNow struct {
	processes   uint64
	memoryBytes uint64
	cpuMs       uint64
}

const msPerTick = 10

func usageOf(root int) usageNow {
	var now usageNow
	var ticks uint64
	for _, one := range descendants(processes(), root) {
		ticks += one.ticks
		text, err := os.ReadFile("/proc/" + strconv.Itoa(one.pid) + "/status")
		if err != nil {
			continue
		}
		// One that ended and was not waited for still counts, with the kernel too.
		now.processes += max(1, statusNumber(text, "Threads"))
		kilobytes := statusNumber(text, "RssAnon") + statusNumber(text, "RssShmem") + statusNumber(text, "VmSwap")
		now.memoryBytes += kilobytes << 10
	}
	var reaped syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &reaped) == nil {
		now.cpuMs = uint64(reaped.Utime.Nano()+reaped.Stime.Nano()) / 1e6
	}
	now.cpuMs += ticks * msPerTick
	return now
}

// processesOf counts the processes and threads of this process's user, as the kernel's limit does.
func processesOfUser(uid int) uint64 {
	var count uint64
	for _, one := range processes() {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(one.pid) + "/status")
		if err == nil && statusNumber(text, "Uid") == uint64(uid) {
			count += max(1, statusNumber(text, "Threads"))
		}
	}
	return count
}
