package main

import (
	"fmt"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const (
	refused    = seccomp.ActionErrno | seccomp.Action(unix.EPERM)
	notThere   = seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)
	killed     = seccomp.ActionKillProcess
	setIDBits  = unix.S_ISUID | unix.S_ISGID
	tmpFileBit = unix.O_TMPFILE &^ unix.O_DIRECTORY
)

// Calls that act on other processes, the kernel or the machine. No ordinary program makes them.
var hostile = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
	"bpf", "perf_event_open", "userfaultfd", "fanotify_init",
	"add_key", "request_key", "keyctl",
	"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "query_module", "get_kernel_syms",
	"swapon", "swapoff", "reboot", "acct", "quotactl", "quotactl_fd", "nfsservctl", "vhangup", "syslog", "_sysctl", "uselib",
	"settimeofday", "clock_settime", "sethostname", "setdomainname", "iopl", "ioperm",
	"open_by_handle_at", "lookup_dcookie", "lsm_set_self_attr",
}

// Calls that change the view of the file system or the namespaces.
var namespaces = []string{
	"mount", "umount2", "pivot_root", "chroot", "setns", "unshare",
	"mount_setattr", "move_mount", "open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "listmount", "statmount",
}

// Calls that runtimes try and do without.
var probed = []string{
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"memfd_create", "memfd_secret", "clone3", "openat2", "process_madvise", "process_mrelease",
}

// Calls that an ordinary program may make, and that reach beyond it.
var reaching = []string{
	"socket", "connect", "bind", "listen", "accept", "accept4",
	"shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink",
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capset",
	"name_to_handle_at", "mbind", "set_mempolicy", "set_mempolicy_home_node", "migrate_pages", "move_pages", "modify_ldt",
	"adjtimex", "clock_adjtime",
}

// Calls that change a file's rights by its path. Landlock does not cover them.
var rightsByPath = []string{
	"chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchownat",
	"setxattr", "lsetxattr", "setxattrat", "removexattr", "lremovexattr", "removexattrat",
}

type condition = seccomp.Condition

// when matches a call whose arguments meet all conditions. Conditions compare 64 bits where the kernel may read
// 32: each is written so that stray upper bits refuse the call.
func when(name string, conditions ...condition) seccomp.NameWithConditions {
	return seccomp.NameWithConditions{Name: name, Conditions: conditions}
}

func not(argument uint32, value uint64) condition {
	return condition{Argument: argument, Operation: seccomp.NotEqual, Value: value}
}

func has(argument uint32, bits uint64) condition {
	return condition{Argument: argument, Operation: seccomp.BitsSet, Value: bits}
}

func lacks(argument uint32, bits uint64) condition {
	return condition{Argument: argument, Operation: seccomp.BitsNotSet, Value: bits}
}

const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// Refused for some arguments: sockets but for pairs of connected streams, set-id bits, limits and priorities of
// others, new namespaces.
var byArguments = []seccomp.NameWithConditions{
	when("socketpair", not(0, unix.AF_UNIX)),
	when("socketpair", lacks(1, unix.SOCK_STREAM)),
	when("socketpair", has(1, 0xf&^unix.SOCK_STREAM)),
	when("sendto", not(4, 0)),
	when("chmod", has(1, setIDBits)),
	when("fchmod", has(1, setIDBits)),
	when("fchmodat", has(2, setIDBits)),
	when("fchmodat2", has(2, setIDBits)),
	when("mknod", has(1, setIDBits)),
	when("mknodat", has(2, setIDBits)),
	when("creat", has(1, setIDBits)),
	when("open", has(1, unix.O_CREAT|tmpFileBit), has(2, setIDBits)),
	when("openat", has(2, unix.O_CREAT|tmpFileBit), has(3, setIDBits)),
	when("prlimit64", not(0, 0)),
	when("sched_setaffinity", not(0, 0)),
	when("sched_setscheduler", not(0, 0)),
	when("sched_setparam", not(0, 0)),
	when("sched_setattr", not(0, 0)),
	when("setpriority", not(0, unix.PRIO_PROCESS)),
	when("setpriority", not(1, 0)),
	when("ioprio_set", not(0, 1)),
	when("ioprio_set", not(1, 0)),
	when("personality", not(0, 0), not(0, 0xffffffff)),
	when("clone", has(0, newNamespaces)),
}

// Families other than these are of no use to a worker.
var workerSockets = []seccomp.NameWithConditions{
	when("socket", not(0, unix.AF_UNIX), not(0, unix.AF_INET), not(0, unix.AF_INET6), not(0, unix.AF_NETLINK)),
}

func group(action seccomp.Action, names []string) seccomp.SyscallGroup {
	return seccomp.SyscallGroup{Action: action, Names: names}
}

// programCalls is the filter of a program that nobody vouches for. sharedUser: others run as the same user.
func programCalls(sharedUser bool) []seccomp.SyscallGroup {
	groups := []seccomp.SyscallGroup{
		group(killed, hostile),
		group(killed, namespaces),
		group(notThere, probed),
		group(refused, reaching),
	}
	if sharedUser {
		groups = append(groups, group(refused, rightsByPath))
	}
	return append(groups, seccomp.SyscallGroup{Action: refused, NamesWithCondtions: byArguments})
}

// workerCalls is the filter of a worker: it may make namespaces and change its user, for sandboxes of its own.
func workerCalls() []seccomp.SyscallGroup {
	return []seccomp.SyscallGroup{
		group(refused, hostile),
		group(notThere, []string{"io_uring_setup", "io_uring_enter", "io_uring_register"}),
		{Action: refused, NamesWithCondtions: workerSockets},
	}
}

// known leaves out what this architecture does not have.
func known(info *arch.Info, groups []seccomp.SyscallGroup) []seccomp.SyscallGroup {
	kept := make([]seccomp.SyscallGroup, 0, len(groups))
	for _, one := range groups {
		fresh := seccomp.SyscallGroup{Action: one.Action}
		for _, name := range one.Names {
			if _, found := info.SyscallNames[name]; found {
				fresh.Names = append(fresh.Names, name)
			}
		}
		for _, call := range one.NamesWithCondtions {
			if _, found := info.SyscallNames[call.Name]; found {
				fresh.NamesWithCondtions = append(fresh.NamesWithCondtions, call)
			}
		}
		kept = append(kept, fresh)
	}
	return kept
}

func newest(info *arch.Info) uint32 {
	most := 0
	for number := range info.SyscallNumbers {
		most = max(most, number)
	}
	return uint32(most)
}

// assemble makes the filter: a foreign ABI kills, calls that are newer than the tables (and x32's) are not there.
func assemble(info *arch.Info, groups []seccomp.SyscallGroup) ([]bpf.RawInstruction, error) {
	policy := seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: known(info, groups)}
	body, err := policy.Assemble()
	if err != nil {
		return nil, err
	}
	const archOffset, numberOffset, word = 4, 0, 4
	head := []bpf.Instruction{
		bpf.LoadAbsolute{Off: archOffset, Size: word},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(info.ID), SkipTrue: 1},
		bpf.RetConstant{Val: uint32(killed)},
		bpf.LoadAbsolute{Off: numberOffset, Size: word},
		bpf.JumpIf{Cond: bpf.JumpLessOrEqual, Val: newest(info), SkipTrue: 1},
		bpf.RetConstant{Val: uint32(notThere)},
	}
	return bpf.Assemble(append(head, body...))
}

// filterCalls puts all threads of this process, and what they execute, under a filter.
func filterCalls(groups []seccomp.SyscallGroup) error {
	info, err := arch.GetInfo("")
	if err != nil {
		return err
	}
	raw, err := assemble(info, groups)
	if err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(raw)), Filter: (*unix.SockFilter)(unsafe.Pointer(&raw[0]))}
	_, _, code := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if code != 0 {
		return fmt.Errorf("seccomp: %w", code)
	}
	return nil
}
