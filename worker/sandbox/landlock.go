package main

import (
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// The newest rights that this kernel knows of; what an older one lacks is left out, and reported by its ABI.
var newestRights = landlock.V9

// What programs need of the system: to read and to execute.
var systemPaths = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/opt",
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/ssl", "/etc/pki", "/etc/ca-certificates",
	"/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/localtime", "/etc/timezone", "/etc/locale.alias", "/etc/mime.types",
	"/etc/os-release", "/etc/python3", "/etc/perl", "/etc/protocols", "/etc/services",
	"/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/uptime", "/proc/loadavg", "/proc/version", "/proc/filesystems",
	"/proc/sys/vm/overcommit_memory", "/proc/sys/kernel/ngroups_max", "/proc/sys/kernel/cap_last_cap", "/proc/sys/kernel/osrelease",
	// Of the program itself. What it starts does not get its own.
	"/proc/self/stat", "/proc/self/statm", "/proc/self/status", "/proc/self/maps", "/proc/self/limits", "/proc/self/cmdline", "/proc/self/fd",
	"/sys/devices/system/cpu", "/sys/kernel/mm/transparent_hugepage",
	"/dev/urandom", "/dev/random",
}

var devices = []string{"/dev/null", "/dev/zero", "/dev/full"}

// landlockABI is 0 where this process may not use Landlock.
func landlockABI() int {
	version, err := ll.LandlockGetABIVersion()
	if err != nil {
		return 0
	}
	return version
}

// confineSignals keeps this process from signalling anything but itself and what it starts from now on, so that a
// signal to all processes reaches exactly those. It takes ABI 6.
func confineSignals() error {
	return landlock.MustConfig(landlock.ScopedSet(ll.ScopeSignal)).Restrict()
}

// confineProgram allows to read the system, to write the folder, and nothing else: no port, no socket, no signal
// to others.
func confineProgram(folder string, system, readable []string) error {
	if len(system) == 0 {
		system = systemPaths
	}
	folders, files := separate(append(append([]string{}, system...), readable...))
	return newestRights.BestEffort().Restrict(
		landlock.RODirs(folders...),
		landlock.ROFiles(files...),
		landlock.RWFiles(devices...).IgnoreIfMissing(),
		landlock.RWDirs(folder).WithRefer(),
	)
}

// separate tells folders from files, whose rights differ, and leaves out what is not there.
func separate(paths []string) (folders, files []string) {
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			// What this user cannot reach needs no rule.
		case info.IsDir():
			folders = append(folders, path)
		default:
			files = append(files, path)
		}
	}
	return folders, files
}

// confineWriting leaves everything readable and the given paths writable.
func confineWriting(paths []string) error {
	folders, files := separate(paths)
	files = append(append(files, "/dev/tty", "/dev/ptmx"), devices...)
	return landlock.V5.BestEffort().RestrictPaths(
		landlock.RODirs("/"),
		landlock.RWFiles(files...).WithIoctlDev().IgnoreIfMissing(),
		landlock.RWDirs(folders...).WithRefer().WithIoctlDev(),
	)
}
