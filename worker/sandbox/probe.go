package main

import (
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// Probe says what this process may use, found out by trying.
type Probe struct {
	// 0: none.
	LandlockABI int  `json:"landlockAbi"`
	Seccomp     bool `json:"seccomp"`
	Root        bool `json:"root"`
	// What programs of the system need to read, where it is there.
	System []string `json:"system"`
	// Whether bubblewrap starts a program in namespaces of its own, and what it says when it does not.
	Bubblewrap      bool   `json:"bubblewrap"`
	BubblewrapError string `json:"bubblewrapError,omitempty"`
}

func probe() Probe {
	found := Probe{LandlockABI: landlockABI(), Root: os.Geteuid() == 0, System: []string{}}
	for _, path := range systemPaths {
		if _, err := os.Stat(path); err == nil {
			found.System = append(found.System, path)
		}
	}
	// With a flag that it cannot have, EINVAL says that the call is there.
	_, _, code := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_STRICT, 1, 0)
	found.Seccomp = code == unix.EINVAL
	text, err := exec.Command("bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--proc", "/proc",
		"--dev", "/dev", "--size", "65536", "--tmpfs", "/tmp", "true").CombinedOutput()
	found.Bubblewrap = err == nil
	if err != nil {
		found.BubblewrapError = strings.TrimSpace(strings.TrimPrefix(string(text), "bwrap: "))
		if found.BubblewrapError == "" {
			found.BubblewrapError = err.Error()
		}
	}
	return found
}
