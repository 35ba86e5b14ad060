package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const valid = `{"version":1,"command":["true"],"folder":"/f","environment":{"A":"b=c"},
	"limits":{"processes":1,"memoryBytes":2,"cpuMs":3,"wallMs":4,"diskBytes":5,"files":6}}`

func TestPolicyIsReadWhole(t *testing.T) {
	policy, err := parsePolicy([]byte(valid))
	want := Policy{
		Version: 1, Command: []string{"true"}, Folder: "/f", FolderInside: "/f", Environment: map[string]string{"A": "b=c"},
		Limits: Limits{1, 2, 3, 4, 5, 6},
	}
	if err != nil || !reflect.DeepEqual(policy, want) {
		t.Fatalf("%+v, %v", policy, err)
	}
}

func TestPolicyRefuses(t *testing.T) {
	for _, change := range []struct{ from, to, complaint string }{
		{`"version":1`, `"version":2`, "version: 2, must be 1"},
		{`["true"]`, `[]`, "command: empty"},
		{`["true"]`, `["a\u0000"]`, "NUL"},
		{`"/f"`, `"f"`, `folder: "f", must be a clean absolute path`},
		{`"/f"`, `"/f/../etc"`, "clean absolute"},
		{`"A":"b=c"`, `"A=":"b"`, "environment"},
		{`"A":"b=c"`, `"A":"\u0000"`, "environment"},
		{`"processes":1`, `"processes":0`, "limits.processes: 0, must be 1 to"},
		{`"cpuMs":3`, `"cpuMs":9007199254740993`, "limits.cpuMs"},
		{`"cpuMs":3`, `"cpuMs":-3`, "policy"},
		{`"folder"`, `"unknown":1,"folder"`, "unknown"},
		{`"folder"`, `"cgroups":["x"],"folder"`, "cgroups"},
		{`"folder"`, `"wrapper":{"command":[],"helper":"/h"},"folder"`, "command: empty"},
		{`"folder"`, `"wrapper":{"command":["b"],"helper":"h"},"folder"`, "wrapper.helper"},
	} {
		text := strings.Replace(valid, change.from, change.to, 1)
		if _, err := parsePolicy([]byte(text)); err == nil || !strings.Contains(err.Error(), change.complaint) {
			t.Errorf("%s: %v", change.to, err)
		}
	}
	if _, err := parsePolicy([]byte(valid + valid)); err == nil || !strings.Contains(err.Error(), "follows") {
		t.Errorf("two policies: %v", err)
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add([]byte(valid))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		policy, err := parsePolicy(text)
		if err != nil {
			return
		}
		if policy.Command[0] == "" || policy.Folder[0] != '/' || policy.Limits.Processes == 0 || policy.Limits.MemoryBytes > maxLimit {
			t.Fatalf("accepted: %+v", policy)
		}
		again, err := json.Marshal(policy)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := parsePolicy(again); err != nil || !reflect.DeepEqual(same.Limits, policy.Limits) {
			t.Fatalf("%s: %v", again, err)
		}
	})
}

func TestConfineCommand(t *testing.T) {
	policy, command, err := parseConfine([]string{"--policy", `{"version":1,"seccomp":"worker","uid":7}`, "--", "a", "--", "b"})
	if err != nil || policy.UID != 7 || policy.Writable != nil || !reflect.DeepEqual(command, []string{"a", "--", "b"}) {
		t.Fatal(policy, command, err)
	}
	for _, words := range [][]string{
		{}, {"--policy", `{"version":1,"seccomp":"none"}`, "--"}, {"--policy", "{}", "--", "a"},
		{"--policy", `{"version":1,"seccomp":"off"}`, "--", "a"}, {"--policy", `{"version":1,"seccomp":"none","writable":["x"]}`, "--", "a"},
		{"--policy", `{"version":1,"seccomp":"none"}`, "--", ""},
	} {
		if _, _, err := parseConfine(words); err == nil {
			t.Errorf("accepted: %q", words)
		}
	}
}

func FuzzConfine(f *testing.F) {
	f.Add(`{"version":1,"seccomp":"worker","writable":["/a"]}`, "a")
	f.Fuzz(func(t *testing.T, text, program string) {
		policy, command, err := parseConfine([]string{"--policy", text, "--", program})
		if err == nil && (command[0] == "" || (policy.Seccomp != "worker" && policy.Seccomp != "none")) {
			t.Fatalf("accepted: %+v %q", policy, command)
		}
	})
}
