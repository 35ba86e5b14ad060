package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	watchEvery = 50 * time.Millisecond
	// Walking a folder costs more than looking at processes.
	diskEvery = 4
	// Users that nothing else runs as, one for each helper: the base plus its process id.
	firstOwnID = 1_900_000_000
	// How long what was killed may take to be gone.
	endPatience = 5 * time.Second
)

// sandboxed is one running program.
type sandboxed struct {
	policy Policy
	child  *os.Process
	say    *json.Encoder
	// Whether a signal to all processes reaches this sandbox's only.
	scoped bool
	volume *volume
	limit  string
	ended  Ended
}

// run reads a policy, one line of JSON, runs its program and tells what happens in lines of JSON. Further lines are
// {"signal":"SIGTERM"}; the channel's end ends the program and all that it started.
func run(control *os.File) int {
	reader := bufio.NewReaderSize(control, 64<<10)
	say := json.NewEncoder(control)
	text, err := readLine(reader)
	if err != nil {
		return fail(fmt.Errorf("no policy on descriptor %d: %w", controlDescriptor, err))
	}
	policy, err := parsePolicy(text)
	if err != nil {
		_ = say.Encode(failed{"failed", "policy", "EINVAL", err.Error()})
		return exitUsage
	}
	unix.CloseOnExec(controlDescriptor)
	reserveThreads()
	one := &sandboxed{policy: policy, say: say}
	report, err := one.start()
	if err != nil {
		var code unix.Errno
		_ = errors.As(err, &code)
		_ = say.Encode(failed{"failed", "start", unix.ErrnoName(code), err.Error()})
		return exitFailed
	}
	reports := make(chan stageReport)
	go readReports(report, reports)
	orders := make(chan string)
	go readOrders(reader, orders)
	return one.watch(reports, orders)
}

// orderFile holds what the stages read: a file without a name.
func (one *sandboxed) orderFile(given order) (*os.File, error) {
	file, err := os.CreateTemp("", "taskfleet-order-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	return file, json.NewEncoder(file).Encode(given)
}

func (one *sandboxed) start() (*os.File, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, err
	}
	given := order{Policy: one.policy, Parent: os.Getpid()}
	if os.Geteuid() == 0 {
		given.ID = uint32(firstOwnID + os.Getpid())
	} else if one.policy.Wrapper == nil {
		given.Already = processesOfUser(os.Getuid())
	}
	file, err := one.orderFile(given)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if landlockABI() >= 6 {
		if err := confineSignals(); err != nil {
			return nil, err
		}
		one.scoped = true
	}
	// A wrapper takes this binary along from here: its user may be unable to reach the file.
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	defer self.Close()
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	one.child, err = os.StartProcess("/proc/self/exe", []string{"taskfleet-sandbox", stageOuter}, &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, file, theirs, self},
		Env:   []string{"PATH=" + os.Getenv("PATH")},
		Sys:   &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL},
	})
	return ours, err
}

// watch waits for the program's end and sees to its limits until then. Returns the exit status to end with.
func (one *sandboxed) watch(reports <-chan stageReport, orders <-chan string) int {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	wall := time.NewTimer(time.Duration(one.policy.Limits.WallMs) * time.Millisecond)
	ticker := time.NewTicker(watchEvery)
	for tick := 0; ; {
		select {
		case report, open := <-reports:
			if !open {
				reports = nil
			} else if report.Ready != nil {
				if one.policy.Wrapper != nil {
					one.volume = openVolume(one.pids(), one.policy.Limits.DiskBytes)
				}
				_ = one.say.Encode(started{"started", one.child.Pid, *report.Ready})
			} else {
				one.killAll()
				_ = one.say.Encode(failed{"failed", report.Step, report.Code, report.Message})
				return exitFailed
			}
		case name, open := <-orders:
			if !open {
				one.killAll()
				return exitFailed
			}
			one.forward(name)
		case <-wall.C:
			one.halt("timeout")
		case <-ticker.C:
			tick++
			one.check(tick%diskEvery == 0)
		case <-ended:
		}
		if status, over := one.reap(); over {
			one.killAll()
			// A start that failed is told first.
			if report, open := drain(reports); open {
				_ = one.say.Encode(failed{"failed", report.Step, report.Code, report.Message})
				return exitFailed
			}
			return one.finish(status)
		}
	}
}

// drain looks for a failure among the reports that are still there.
func drain(reports <-chan stageReport) (stageReport, bool) {
	if reports == nil {
		return stageReport{}, false
	}
	for report := range reports {
		if report.Ready == nil {
			return report, true
		}
	}
	return stageReport{}, false
}

// forward passes a signal to the program's own group.
func (one *sandboxed) forward(name string) {
	if number := unix.SignalNum(name); number != 0 {
		_ = syscall.Kill(-one.child.Pid, number)
	}
}

// check compares what the program uses with its limits.
func (one *sandboxed) check(disk bool) {
	limits, now := one.policy.Limits, usageOf(os.Getpid())
	one.ended.CPUMs = max(one.ended.CPUMs, now.cpuMs)
	one.ended.MemoryBytes = max(one.ended.MemoryBytes, now.memoryBytes)
	one.ended.Processes = max(one.ended.Processes, now.processes)
	switch {
	case now.memoryBytes > limits.MemoryBytes:
		one.halt("memory")
	case now.processes > limits.Processes+one.overhead():
		one.halt("processes")
	case now.cpuMs > limits.CPUMs:
		one.halt("cpu")
	case disk && one.diskFull():
		one.halt("output")
	}
}

func (one *sandboxed) diskFull() bool {
	if one.policy.Wrapper != nil {
		return one.volume.full()
	}
	return diskUse(one.policy.Folder, one.pids()) > one.policy.Limits.DiskBytes
}

// overhead is how many processes belong to the wrapper.
func (one *sandboxed) overhead() uint64 {
	if one.policy.Wrapper == nil {
		return 0
	}
	return 2
}

func (one *sandboxed) pids() []int {
	var pids []int
	for _, each := range descendants(processes(), os.Getpid()) {
		pids = append(pids, each.pid)
	}
	return pids
}

// halt ends all at once; the first limit counts.
func (one *sandboxed) halt(limit string) {
	if one.limit == "" {
		one.limit = limit
	}
	one.signalAll()
}

// signalAll sends SIGKILL to every process of this sandbox but this one.
func (one *sandboxed) signalAll() {
	if one.scoped {
		// Landlock lets it through to what this process started, and to nothing else.
		_ = syscall.Kill(-1, syscall.SIGKILL)
		return
	}
	for _, pid := range one.pids() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// killAll ends what is left and waits until it is gone.
func (one *sandboxed) killAll() {
	for deadline := time.Now().Add(endPatience); time.Now().Before(deadline); {
		one.signalAll()
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.ECHILD {
			return
		}
		if pid == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// reap waits for whatever has ended; over: the program itself has.
func (one *sandboxed) reap() (program syscall.WaitStatus, over bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return program, over
		}
		if pid == one.child.Pid {
			program, over = status, true
		}
	}
}
