package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	blockBytes  = 512
	inodeBytes  = 4096
	inodeBlocks = inodeBytes / blockBytes
)

// volume is a file system that is the program's alone. Held open, it outlives the program.
type volume struct{ descriptor int }

// openVolume finds the working directory of the one of these processes that has a file system in memory of this
// size at most.
func openVolume(pids []int, bytes uint64) *volume {
	for _, pid := range pids {
		descriptor, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/cwd", unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		var stat unix.Statfs_t
		if unix.Fstatfs(descriptor, &stat) == nil && stat.Type == unix.TMPFS_MAGIC && stat.Blocks*uint64(stat.Bsize) <= bytes+uint64(stat.Bsize) {
			return &volume{descriptor}
		}
		_ = unix.Close(descriptor)
	}
	return nil
}

func (one *volume) full() bool {
	var stat unix.Statfs_t
	if one == nil || unix.Fstatfs(one.descriptor, &stat) != nil {
		return false
	}
	return stat.Bavail == 0 || (stat.Files-stat.Ffree)*inodeBytes > stat.Blocks*uint64(stat.Bsize)
}

// diskUse counts the bytes that a folder's files take, links once, and with them files that are deleted but still
// open in one of the processes.
func diskUse(folder string, pids []int) uint64 {
	var blocks int64
	seen := map[uint64]bool{}
	count := func(info fs.FileInfo) {
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || seen[stat.Ino] {
			return
		}
		if stat.Nlink != 1 {
			seen[stat.Ino] = true
		}
		// An empty file takes room, too.
		blocks += max(stat.Blocks, inodeBlocks)
	}
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			count(info)
		}
		return nil
	})
	for _, pid := range pids {
		open := "/proc/" + strconv.Itoa(pid) + "/fd"
		names, _ := os.ReadDir(open)
		for _, name := range names {
			path := filepath.Join(open, name.Name())
			target, err := os.Readlink(path)
			if err != nil || !strings.HasSuffix(target, " (deleted)") {
				continue
			}
			if info, err := os.Stat(path); err == nil {
				count(info)
			}
		}
	}
	return uint64(blocks) * blockBytes
}
