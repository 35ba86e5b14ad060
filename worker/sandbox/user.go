package main

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// becomeUser changes user and groups for good, when ids are given; only root can.
func becomeUser(uid, gid uint32) error {
	if uid == 0 && gid == 0 {
		return nil
	}
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setresgid(int(gid), int(gid), int(gid)); err != nil {
		return fmt.Errorf("setgid %d: %w", gid, err)
	}
	if err := syscall.Setresuid(int(uid), int(uid), int(uid)); err != nil {
		return fmt.Errorf("setuid %d: %w", uid, err)
	}
	return nil
}

// dropBounding empties the bounding set, where this process may: without CAP_SETPCAP no_new_privs does its work.
func dropBounding() error {
	for capability := 0; ; capability++ {
		switch err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(capability), 0, 0, 0); err {
		case nil:
		case unix.EINVAL, unix.EPERM:
			return nil
		default:
			return fmt.Errorf("bounding set: %w", err)
		}
	}
}

// dropCapabilities gives up all capabilities of this thread, which is the one that executes.
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("ambient set: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	return nil
}
