package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Confinement is the policy of `confine`: of a worker itself, or of any other trusted program.
type Confinement struct {
	Version int `json:"version"`
	// User and group to become; only root can. 0: stay as is.
	UID uint32 `json:"uid"`
	GID uint32 `json:"gid"`
	// Files and folders that can still be written; null: no restriction of files.
	Writable []string `json:"writable"`
	// "worker", or "none".
	Seccomp string `json:"seccomp"`
	// Drop all capabilities, also those that root would get back.
	DropCapabilities bool `json:"dropCapabilities"`
}

func parseConfinement(text []byte) (Confinement, error) {
	var policy Confinement
	if err := decode(text, &policy); err != nil {
		return policy, err
	}
	if policy.Version != policyVersion {
		return policy, fmt.Errorf("policy: version: %d, must be %d", policy.Version, policyVersion)
	}
	if policy.Seccomp != "worker" && policy.Seccomp != "none" {
		return policy, fmt.Errorf("policy: seccomp: %q, must be \"worker\" or \"none\"", policy.Seccomp)
	}
	return policy, absolutes("writable", policy.Writable)
}

// parseConfine takes apart `--policy JSON -- COMMAND...`.
func parseConfine(words []string) (policy Confinement, command []string, err error) {
	if len(words) < 4 || words[0] != "--policy" || words[2] != "--" {
		return policy, nil, errors.New("confine takes --policy JSON -- COMMAND [ARGUMENT...]")
	}
	command = words[3:]
	if err := checkCommand(command); err != nil {
		return policy, nil, err
	}
	policy, err = parseConfinement([]byte(words[1]))
	return policy, command, err
}

func (policy Confinement) apply() error {
	if policy.DropCapabilities {
		if err := dropBounding(); err != nil {
			return err
		}
	}
	if err := becomeUser(policy.UID, policy.GID); err != nil {
		return err
	}
	if policy.DropCapabilities {
		if err := dropCapabilities(); err != nil {
			return err
		}
	}
	if err := noNewPrivileges(); err != nil {
		return err
	}
	if policy.Writable != nil {
		if err := confineWriting(policy.Writable); err != nil {
			return err
		}
	}
	if policy.Seccomp == "none" {
		return nil
	}
	return filterCalls(workerCalls())
}

// confine ends only when something is wrong: else this process becomes the command, with its pid.
func confine(words []string) int {
	policy, command, err := parseConfine(words)
	if err != nil {
		fmt.Fprintf(os.Stderr, "taskfleet-sandbox: %v\n%s", err, usage)
		return exitUsage
	}
	if err := policy.apply(); err != nil {
		return fail(err)
	}
	return fail(execute(command, os.Environ(), os.Getenv("PATH")))
}

func noNewPrivileges() error {
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// execute replaces this process; it returns only when it cannot.
func execute(command, environment []string, path string) error {
	file := command[0]
	if strings.Contains(file, "/") {
		return &os.PathError{Op: "exec", Path: file, Err: unix.Exec(file, command, environment)}
	}
	var last error = unix.ENOENT
	for _, folder := range strings.Split(path, ":") {
		err := unix.Exec(folder+"/"+file, command, environment)
		if err != unix.ENOENT && err != unix.ENOTDIR {
			last = err
		}
		if err != unix.ENOENT && err != unix.ENOTDIR && err != unix.EACCES {
			break
		}
	}
	return &os.PathError{Op: "exec", Path: file, Err: last}
}
