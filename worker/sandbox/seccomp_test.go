package main

import (
	"encoding/binary"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// judge runs a filter as the kernel would, on one call.
func judge(t *testing.T, info *arch.Info, groups []seccomp.SyscallGroup, id uint32, number int, arguments ...uint64) uint32 {
	t.Helper()
	raw, err := assemble(info, groups)
	if err != nil {
		t.Fatal(err)
	}
	program, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("not to be disassembled")
	}
	machine, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	// The machine reads big-endian words where the kernel reads the host's.
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[0:], uint32(number))
	binary.BigEndian.PutUint32(data[4:], id)
	for at, argument := range arguments {
		binary.BigEndian.PutUint32(data[16+8*at:], uint32(argument))
		binary.BigEndian.PutUint32(data[20+8*at:], uint32(argument>>32))
	}
	verdict, err := machine.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(verdict)
}

// The library assembles for the architecture that it runs on, so that the filter is judged there.
func native(t *testing.T) *arch.Info {
	t.Helper()
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestProgramFilter(t *testing.T) {
	const allow, errno = uint32(unix.SECCOMP_RET_ALLOW), uint32(unix.SECCOMP_RET_ERRNO)
	stray := uint64(1) << 32
	for _, info := range []*arch.Info{native(t)} {
		for _, call := range []struct {
			name      string
			arguments []uint64
			want      uint32
		}{
			{"read", nil, allow},
			{"execve", nil, allow},
			{"socket", []uint64{unix.AF_INET}, errno | uint32(unix.EPERM)},
			{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}, allow},
			{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, errno | uint32(unix.EPERM)},
			{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_SEQPACKET}, errno | uint32(unix.EPERM)},
			{"socketpair", []uint64{unix.AF_NETLINK, unix.SOCK_STREAM}, errno | uint32(unix.EPERM)},
			{"socketpair", []uint64{stray | unix.AF_UNIX, unix.SOCK_STREAM}, errno | uint32(unix.EPERM)},
			{"ptrace", nil, uint32(unix.SECCOMP_RET_KILL_PROCESS)},
			{"mount", nil, uint32(unix.SECCOMP_RET_KILL_PROCESS)},
			{"io_uring_setup", nil, errno | uint32(unix.ENOSYS)},
			{"clone3", nil, errno | uint32(unix.ENOSYS)},
			{"clone", []uint64{unix.CLONE_VM | unix.CLONE_THREAD}, allow},
			{"clone", []uint64{unix.CLONE_NEWUSER}, errno | uint32(unix.EPERM)},
			{"prlimit64", []uint64{0}, allow},
			{"prlimit64", []uint64{4242}, errno | uint32(unix.EPERM)},
			{"prlimit64", []uint64{stray}, errno | uint32(unix.EPERM)},
			{"fchmod", []uint64{3, 0o755}, allow},
			{"fchmod", []uint64{3, stray | 0o4755}, errno | uint32(unix.EPERM)},
			{"openat", []uint64{0, 0, unix.O_CREAT, 0o644}, allow},
			{"openat", []uint64{0, 0, unix.O_CREAT, 0o2755}, errno | uint32(unix.EPERM)},
			{"openat", []uint64{0, 0, 0, 0o2755}, allow},
			{"personality", []uint64{0xffffffff}, allow},
			{"personality", []uint64{0x0040000}, errno | uint32(unix.EPERM)},
		} {
			got := judge(t, info, programCalls(true), uint32(info.ID), info.SyscallNames[call.name], call.arguments...)
			if got != call.want {
				t.Errorf("%s %s%x: %#x, not %#x", info.Name, call.name, call.arguments, got, call.want)
			}
		}
	}
}

func TestRightsByPathOnlyWhereTheUserIsNotShared(t *testing.T) {
	number := native(t).SyscallNames["fchmodat"]
	if judge(t, native(t), programCalls(true), uint32(native(t).ID), number, 0, 0, 0o755) == unix.SECCOMP_RET_ALLOW {
		t.Error("allowed where the user is shared")
	}
	if judge(t, native(t), programCalls(false), uint32(native(t).ID), number, 0, 0, 0o755) != unix.SECCOMP_RET_ALLOW {
		t.Error("refused where it is not")
	}
}

func TestForeignCalls(t *testing.T) {
	const notKnown = uint32(unix.SECCOMP_RET_ERRNO) | uint32(unix.ENOSYS)
	for _, info := range []*arch.Info{native(t)} {
		for _, groups := range [][]seccomp.SyscallGroup{programCalls(true), workerCalls()} {
			if got := judge(t, info, groups, uint32(arch.ARM.ID), 102); got != unix.SECCOMP_RET_KILL_PROCESS {
				t.Errorf("%s: a call of i386 gives %#x", info.Name, got)
			}
			if got := judge(t, info, groups, uint32(info.ID), 9999); got != notKnown {
				t.Errorf("%s: a call of the future gives %#x", info.Name, got)
			}
		}
	}
	x32 := native(t).SyscallNames["ptrace"] | 0x40000000
	if got := judge(t, native(t), programCalls(true), uint32(native(t).ID), x32); got != notKnown {
		t.Errorf("x32 gives %#x", got)
	}
}

func TestWorkerFilterLetsSandboxesBeMade(t *testing.T) {
	for _, name := range []string{"unshare", "mount", "setns", "pivot_root", "seccomp", "landlock_restrict_self", "clone3"} {
		number := native(t).SyscallNames[name]
		if got := judge(t, native(t), workerCalls(), uint32(native(t).ID), number); got != unix.SECCOMP_RET_ALLOW {
			t.Errorf("%s: %#x", name, got)
		}
	}
	socket := native(t).SyscallNames["socket"]
	for family, want := range map[uint64]bool{unix.AF_INET: true, unix.AF_UNIX: true, unix.AF_VSOCK: false, unix.AF_ALG: false, 1 << 32: false} {
		got := judge(t, native(t), workerCalls(), uint32(native(t).ID), socket, family) == unix.SECCOMP_RET_ALLOW
		if got != want {
			t.Errorf("socket(%d): %v", family, got)
		}
	}
}

func TestEveryNameIsKnownSomewhere(t *testing.T) {
	for _, names := range [][]string{hostile, namespaces, probed, reaching, rightsByPath} {
		for _, name := range names {
			_, x86 := arch.X86_64.SyscallNames[name]
			_, arm := arch.AARCH64.SyscallNames[name]
			if !x86 && !arm {
				t.Errorf("%s is no call of any architecture", name)
			}
		}
	}
}
