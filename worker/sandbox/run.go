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
	// Largest policy: arguments and environment of a program are at most 2 MiB each.
	maxPolicyBytes = 8 << 20
	watchEvery     = 50 * time.Millisecond
	// Walking a folder costs more than looking at processes.
	diskEvery = 4
	// Users that nothing else runs as, one for each helper: the base plus its process id.
	firstOwnID = 1_900_000_000
	// How long what was killed may take to be gone.
	endPatience = 5 * time.Second
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

type started struct {
	Event    string   `json:"event"`
	Pid      int      `json:"pid"`
	Enforced Enforced `json:"enforced"`
}

type failed struct {
	Event   string `json:"event"`
	Step    string `json:"step"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

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

func readLine(reader *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, isPrefix, err := reader.ReadLine()
		if err != nil {
			return nil, err
		}
		text = append(text, part...)
		if len(text) > maxPolicyBytes {
			return nil, fmt.Errorf("longer than %d bytes", maxPolicyBytes)
		}
		if !isPrefix {
			return text, nil
		}
	}
}

func readReports(file *os.File, into chan<- stageReport) {
	defer close(into)
	decoder := json.NewDecoder(file)
	for {
		var one stageReport
		if decoder.Decode(&one) != nil {
			return
		}
		into <- one
	}
}

// readOrders passes on the names of signals; it closes the channel when nobody is there to send any.
func readOrders(reader *bufio.Reader, into chan<- string) {
	defer close(into)
	for {
		text, err := readLine(reader)
		if err != nil {
			return
		}
		var order struct {
			Signal string `json:"signal"`
		}
		if json.Unmarshal(text, &order) == nil {
			into <- order.Signal
		}
	}
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
