package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	stageOuter        = "stage-outer"
	stageInner        = "stage-inner"
	controlDescriptor = 3
	orderDescriptor   = 3
	reportDescriptor  = 4
	selfDescriptor    = 5
	unseenProcesses   = 1024
	leastPriority     = 19
)

// order is a policy with what only the parent knows.
type order struct {
	Policy
	Parent int `json:"parent"`
	// User and group of the program; 0: those of the parent.
	ID uint32 `json:"id"`
	// Processes that the user already had, where the limit counts all of the user's.
	Already uint64 `json:"already"`
}

// stageReport is what a stage tells the parent: the program is about to start, or why it cannot.
type stageReport struct {
	Ready *Enforced `json:"ready,omitempty"`
	// What failed, and the system's error code such as ENOENT.
	Step    string `json:"step,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Enforced says which mechanisms hold the program.
type Enforced struct {
	LandlockABI int  `json:"landlockAbi"`
	Seccomp     bool `json:"seccomp"`
	// The program runs as a user that nothing else runs as.
	OwnUser    bool `json:"ownUser"`
	Namespaces bool `json:"namespaces"`
	Cgroups    int  `json:"cgroups"`
}

func readOrder() (order, error) {
	var given order
	// Both stages read it, from the start.
	text, err := io.ReadAll(io.NewSectionReader(os.NewFile(orderDescriptor, "order"), 0, math.MaxInt64))
	if err != nil {
		return given, err
	}
	return given, json.Unmarshal(text, &given)
}

func reportStage(one stageReport) {
	text, _ := json.Marshal(one)
	_, _ = unix.Write(reportDescriptor, append(text, '\n'))
}

type failedStep struct {
	step string
	err  error
}

func (failed failedStep) Error() string { return failed.step + ": " + failed.err.Error() }

func at(step string, err error) error {
	if err == nil {
		return nil
	}
	return failedStep{step, err}
}

// stage runs in the child: the outer one gives up rights, the inner one closes the sandbox and becomes the program.
func stage(name string) int {
	given, err := readOrder()
	if err == nil && name == stageOuter {
		err = given.outer()
	}
	if err == nil {
		err = given.inner()
	}
	step, cause := "start", err
	if failed, ok := err.(failedStep); ok {
		step, cause = failed.step, failed.err
	}
	var code unix.Errno
	_ = errors.As(cause, &code)
	reportStage(stageReport{Step: step, Code: unix.ErrnoName(code), Message: cause.Error()})
	return exitFailed
}

// outer joins the control groups and becomes the program's user; with a wrapper it does not return.
func (given order) outer() error {
	if err := at("parent", dieWithParent(given.Parent)); err != nil {
		return err
	}
	for _, file := range given.Cgroups {
		if err := at("cgroup", os.WriteFile(file, []byte(strconv.Itoa(os.Getpid())), 0)); err != nil {
			return err
		}
	}
	// The kernel, short of memory, shall take the program and not the worker.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	if given.ID != 0 && given.Wrapper == nil {
		if err := at("folder", os.Chown(given.Folder, int(given.ID), int(given.ID))); err != nil {
			return err
		}
	}
	if given.ID != 0 {
		if err := at("capabilities", dropBounding()); err != nil {
			return err
		}
	}
	if err := at("user", becomeUser(given.ID, given.ID)); err != nil {
		return err
	}
	// A change of user takes the signal back.
	if err := at("parent", dieWithParent(given.Parent)); err != nil {
		return err
	}
	if given.Wrapper == nil {
		return nil
	}
	command := append(append([]string{}, given.Wrapper.Command...), given.Wrapper.Helper, stageInner)
	return at("wrapper", execute(command, []string{"PATH=" + os.Getenv("PATH")}, os.Getenv("PATH")))
}

func dieWithParent(parent int) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if os.Getppid() != parent {
		return errors.New("the parent is gone")
	}
	return nil
}

// inner does not return unless something is wrong.
func (given order) inner() error {
	policy := given.Policy
	namespaces := policy.Wrapper != nil
	if err := at("folder", os.Chdir(policy.FolderInside)); err != nil {
		return err
	}
	if err := at("limits", applyLimits(policy.Limits, given.Already, len(policy.Cgroups) > 0)); err != nil {
		return err
	}
	if err := at("capabilities", dropCapabilities()); err != nil {
		return err
	}
	if err := at("privileges", noNewPrivileges()); err != nil {
		return err
	}
	abi := landlockABI()
	if abi > 0 {
		if err := at("landlock", confineProgram(policy.FolderInside, policy.System, policy.Readable)); err != nil {
			return err
		}
	}
	shared := given.ID == 0 && !namespaces
	environment := make([]string, 0, len(policy.Environment))
	for name, value := range policy.Environment {
		environment = append(environment, name+"="+value)
	}
	if err := at("seccomp", filterCalls(programCalls(shared))); err != nil {
		return err
	}
	reportStage(stageReport{Ready: &Enforced{
		LandlockABI: abi, Seccomp: true, OwnUser: given.ID != 0, Namespaces: namespaces, Cgroups: len(policy.Cgroups),
	}})
	unix.CloseOnExec(orderDescriptor)
	unix.CloseOnExec(reportDescriptor)
	unix.CloseOnExec(selfDescriptor)
	err := at("exec", execute(policy.Command, environment, policy.Environment["PATH"]))
	runtime.KeepAlive(given)
	return err
}

func applyLimits(limits Limits, already uint64, grouped bool) error {
	seconds := (limits.CPUMs + 999) / 1000
	// More than is allowed, so that the watch can see it exceeded; the kernel bounds by how much.
	processes := limits.Processes + max(8, limits.Processes/8)
	if already > 0 {
		// Processes of the user count that are out of sight here, those of other containers for one.
		processes = already + limits.Processes + unseenProcesses
	}
	if grouped {
		// Its control group bounds it, and programs of the same user run beside it.
		processes = math.MaxInt32
	}
	values := []struct {
		name     string
		resource int
		soft     uint64
		hard     uint64
	}{
		{"core", unix.RLIMIT_CORE, 0, 0},
		{"cpu", unix.RLIMIT_CPU, seconds, seconds + 1},
		{"fsize", unix.RLIMIT_FSIZE, limits.DiskBytes, limits.DiskBytes},
		{"nofile", unix.RLIMIT_NOFILE, limits.Files, limits.Files},
		{"nproc", unix.RLIMIT_NPROC, processes, processes},
		// Of one process; the watch counts what all of them use.
		{"data", unix.RLIMIT_DATA, 2 * limits.MemoryBytes, 2 * limits.MemoryBytes},
		{"memlock", unix.RLIMIT_MEMLOCK, 64 << 10, 64 << 10},
		{"msgqueue", unix.RLIMIT_MSGQUEUE, 0, 0},
		{"nice", unix.RLIMIT_NICE, 0, 0},
		{"rtprio", unix.RLIMIT_RTPRIO, 0, 0},
	}
	if !grouped {
		// The helper has to come to its turn beside many.
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, leastPriority); err != nil {
			return fmt.Errorf("priority: %w", err)
		}
	}
	for _, limit := range values {
		if err := lower(limit.resource, limit.soft, limit.hard); err != nil {
			return fmt.Errorf("%s: %w", limit.name, err)
		}
	}
	return nil
}

// lower sets a limit, or leaves the lower one that is there.
func lower(resource int, soft, hard uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(resource, &now); err != nil {
		return err
	}
	next := unix.Rlimit{Cur: min(soft, now.Max), Max: min(hard, now.Max)}
	return unix.Setrlimit(resource, &next)
}
