package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// Limits of one program with all that it starts. 0 is no value: each must be given.
type Limits struct {
	// Processes and threads together.
	Processes uint64 `json:"processes"`
	// Bytes that are resident or swapped out, of all processes together.
	MemoryBytes uint64 `json:"memoryBytes"`
	// Processor time of all processes together.
	CPUMs uint64 `json:"cpuMs"`
	// Time from start to end.
	WallMs uint64 `json:"wallMs"`
	// Bytes on disk in the folder, and the largest single file.
	DiskBytes uint64 `json:"diskBytes"`
	// Open descriptors of one process.
	Files uint64 `json:"files"`
}

// Wrapper starts the program in namespaces of its own.
type Wrapper struct {
	// Command and arguments, up to where the command to run follows.
	Command []string `json:"command"`
	// Path of this binary, seen from inside.
	Helper string `json:"helper"`
}

// Policy says what to run and how it is confined.
type Policy struct {
	Version int      `json:"version"`
	Command []string `json:"command"`
	// Working directory, and the only place where files can be written.
	Folder      string            `json:"folder"`
	Environment map[string]string `json:"environment"`
	// Further files and folders to read and execute.
	Readable []string `json:"readable"`
	Limits   Limits   `json:"limits"`
	// Files of control groups to which the program's process id is written.
	Cgroups []string `json:"cgroups"`
	Wrapper *Wrapper `json:"wrapper"`
	// Where the wrapper puts the folder; default: Folder itself.
	FolderInside string `json:"folderInside"`
	// Paths of programs and libraries; default: those of the system.
	System []string `json:"system"`
}

const (
	policyVersion = 1
	maxLimit      = 1 << 52
	maxProcesses  = 1 << 20
)

func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("policy: something follows the JSON object")
	}
	return nil
}

func absolute(field, path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path || strings.ContainsRune(path, 0) {
		return fmt.Errorf("policy: %s: %q, must be a clean absolute path", field, path)
	}
	return nil
}

func absolutes(field string, paths []string) error {
	for _, path := range paths {
		if err := absolute(field, path); err != nil {
			return err
		}
	}
	return nil
}

func (limits Limits) check() error {
	values := []struct {
		name  string
		value uint64
		most  uint64
	}{
		{"processes", limits.Processes, maxProcesses},
		{"memoryBytes", limits.MemoryBytes, maxLimit},
		{"cpuMs", limits.CPUMs, maxLimit},
		{"wallMs", limits.WallMs, maxLimit},
		{"diskBytes", limits.DiskBytes, maxLimit},
		{"files", limits.Files, maxProcesses},
	}
	for _, limit := range values {
		if limit.value < 1 || limit.value > limit.most {
			return fmt.Errorf("policy: limits.%s: %d, must be 1 to %d", limit.name, limit.value, limit.most)
		}
	}
	return nil
}

func checkCommand(command []string) error {
	if len(command) == 0 || command[0] == "" {
		return errors.New("policy: command: empty, must name a program")
	}
	for _, word := range command {
		if strings.ContainsRune(word, 0) {
			return errors.New("policy: command: holds a NUL character")
		}
	}
	return nil
}

func checkEnvironment(environment map[string]string) error {
	for name, value := range environment {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) {
			return fmt.Errorf("policy: environment: %q, must be a name without = or NUL with a value without NUL", name)
		}
	}
	return nil
}

// parsePolicy reads a policy and refuses what it does not know or understand.
func parsePolicy(text []byte) (Policy, error) {
	var policy Policy
	if err := decode(text, &policy); err != nil {
		return Policy{}, err
	}
	if policy.Version != policyVersion {
		return Policy{}, fmt.Errorf("policy: version: %d, must be %d", policy.Version, policyVersion)
	}
	if policy.FolderInside == "" {
		policy.FolderInside = policy.Folder
	}
	checks := []error{
		checkCommand(policy.Command),
		absolute("folder", policy.Folder),
		absolute("folderInside", policy.FolderInside),
		checkEnvironment(policy.Environment),
		absolutes("readable", policy.Readable),
		absolutes("system", policy.System),
		absolutes("cgroups", policy.Cgroups),
		policy.Limits.check(),
	}
	if policy.Wrapper != nil {
		checks = append(checks, checkCommand(policy.Wrapper.Command), absolute("wrapper.helper", policy.Wrapper.Helper))
	}
	for _, err := range checks {
		if err != nil {
			return Policy{}, err
		}
	}
	return policy, nil
}
