/**
 * What is run where the processes are, by `sh -s -- <pid>...`: reads `/proc` and control groups (version 1, 2, or both) and
 * changes nothing. Prints lines of `<pid> <what> <value>`, see `parse-facts.ts`.
 */
export const HOST_SCRIPT = `
# The folder of a process's group of one controller.
folder() {
  while IFS=: read -r id names path; do
    case ",$names," in
      *",$2,"*) if [ -d "/sys/fs/cgroup/$2" ]; then echo "/sys/fs/cgroup/$2$path"; return; fi ;;
    esac
  done < "/proc/$1/cgroup"
  while IFS=: read -r id names path; do
    [ "$id" = 0 ] || continue
    for top in /sys/fs/cgroup /sys/fs/cgroup/unified; do
      if [ -e "$top/cgroup.controllers" ]; then echo "$top$path"; return; fi
    done
  done < "/proc/$1/cgroup"
}
# The limit of a group and of each one above.
limits() {
  at=$2
  while [ "$at" != /sys/fs/cgroup ] && [ "$at" != "" ]; do
    for file in $3; do
      if [ -r "$at/$file" ] && read -r value < "$at/$file"; then echo "$pid $1 $value"; fi
    done
    at=\${at%/*}
  done
}
namespaces() {
  for kind in pid net ipc uts mnt; do
    found=$(readlink "/proc/$2/ns/$kind" 2>/dev/null) && echo "$1 namespace $kind $found"
  done
}
status() {
  while IFS=: read -r name value; do
    case $name in Name | Uid | Cap* | NoNewPrivs | Seccomp) echo "$pid process $1 $name" $value ;; esac
  done 2>/dev/null < "/proc/$1/status"
}
# Not every root may look at process 1: its own are the host's too.
namespaces host self
namespaces host 1
for pid; do
  [ -d "/proc/$pid" ] || { echo "$pid gone"; continue; }
  group=$(folder "$pid" pids)
  status "$pid"
  if [ "$group" != "" ] && [ -r "$group/cgroup.procs" ]; then
    while read -r member; do
      if [ "$member" != "$pid" ]; then status "$member"; fi
    done < "$group/cgroup.procs"
    limits pids "$group" pids.max
  fi
  group=$(folder "$pid" memory)
  [ "$group" = "" ] || limits memory "$group" "memory.max memory.limit_in_bytes"
  while read -r line; do echo "$pid group $line"; done < "/proc/$pid/cgroup"
  while read -r line; do echo "$pid mount $line"; done 2>/dev/null < "/proc/$pid/mountinfo"
  namespaces "$pid" "$pid"
done
`;
