package main

import (
	"os"
	"reflect"
	"strconv"
	"testing"
)

func TestStatOfANameThatImitatesOne(t *testing.T) {
	text := "42 (a) R 1 (b) S 7 42 42 0 -1 0 0 0 0 0 10 20 3 4 20 0 1 0 99 0 0"
	one, ok := parseStat([]byte(text))
	if want := (process{pid: 42, parent: 7, ticks: 37}); !ok || one != want {
		t.Fatalf("%+v %v", one, ok)
	}
	for _, bad := range []string{"", "1", "1 (x", "1 (x) S", "x (x) S 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "1 (x) S y 1 1 1 1 1 1 1 1 1 1 1 1 1 1"} {
		if _, ok := parseStat([]byte(bad)); ok {
			t.Errorf("accepted %q", bad)
		}
	}
}

func FuzzStat(f *testing.F) {
	f.Add([]byte("42 (a) R 1 (b) S 7 42 42 0 -1 0 0 0 0 0 10 20 3 4 20 0 1 0 99 0 0"))
	f.Fuzz(func(t *testing.T, text []byte) {
		parseStat(text)
		statusNumber(text, "Threads")
	})
}

func TestOwnProcessIsFound(t *testing.T) {
	for _, one := range processes() {
		if one.pid == os.Getpid() {
			if one.parent != os.Getppid() {
				t.Fatalf("parent %d, not %d", one.parent, os.Getppid())
			}
			return
		}
	}
	t.Fatal("not found")
}

func TestDescendants(t *testing.T) {
	all := []process{{pid: 1}, {pid: 5, parent: 1}, {pid: 9, parent: 5}, {pid: 3, parent: 9}, {pid: 4, parent: 1}, {pid: 8, parent: 8}}
	var pids []int
	for _, one := range descendants(all, 5) {
		pids = append(pids, one.pid)
	}
	if !reflect.DeepEqual(pids, []int{9, 3}) {
		t.Fatal(pids)
	}
}

func TestStatusNumber(t *testing.T) {
	text := []byte("Name:\tThreads:\nRssAnon:\t   12 kB\nThreads:\t3\n")
	if statusNumber(text, "Threads") != 3 || statusNumber(text, "RssAnon") != 12 || statusNumber(text, "VmSwap") != 0 {
		t.Fatal("wrong number")
	}
}

func TestDiskUseCountsLinksOnceAndEmptyFilesToo(t *testing.T) {
	folder := t.TempDir()
	before := diskUse(folder, nil)
	if err := os.WriteFile(folder+"/file", make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	one := diskUse(folder, nil)
	if one-before < 100_000 || one-before > 120_000 {
		t.Fatal(one - before)
	}
	if err := os.Link(folder+"/file", folder+"/link"); err != nil {
		t.Fatal(err)
	}
	if diskUse(folder, nil) != one {
		t.Fatal("a link counts twice")
	}
	for at := range 10 {
		if err := os.WriteFile(folder+"/empty-"+strconv.Itoa(at), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diskUse(folder, nil)-one != 10*inodeBytes {
		t.Fatal("empty files are free")
	}
	file, err := os.Open(folder + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	_ = os.Remove(folder + "/file")
	_ = os.Remove(folder + "/link")
	if diskUse(folder, []int{os.Getpid()}) < 100_000 {
		t.Fatal("a deleted file that is open is free")
	}
}
