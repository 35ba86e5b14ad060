#!/bin/sh
# Proves that the running containers of a Compose project are confined: not root, no capabilities, no new privileges, a
# seccomp filter, a read-only root, limits of processes and memory.
#
#   ./infra/examples/verify-nonroot.sh [-s STACK]     in the project: `taskfleet verify`, which looks at more
#   ./verify-nonroot.sh [COMPOSE_PROJECT]             alone, with docker and root's rights on the engine's host
#
# Ends with 0 when all is proven, else with 1.
set -u
launcher=$(dirname "$0")/../../taskfleet
if [ -x "$launcher" ]; then exec "$launcher" verify "$@"; fi
if command -v taskfleet > /dev/null 2>&1; then exec taskfleet verify "$@"; fi

project=${1:-${COMPOSE_PROJECT_NAME:-peagen}}
containers=$(docker ps --quiet --no-trunc --filter "label=com.docker.compose.project=$project") || exit 1
if [ "$containers" = "" ]; then
  echo "no container of the Compose project $project runs" >&2
  exit 1
fi

result=0
for id in $containers; do
  name=$(docker inspect --format '{{.Name}}' "$id")
  pid=$(docker inspect --format '{{.State.Pid}}' "$id")
  limits=$(docker inspect --format '{{.HostConfig.PidsLimit}} {{.HostConfig.Memory}}' "$id")
  bad=
  say() { bad="$bad${bad:+, }$1"; }
  has() { grep -Eq "$1" "/proc/$pid/status" 2> /dev/null; }
  if ! grep -q "$id" "/proc/$pid/cgroup" 2> /dev/null; then
    say "its process is not in /proc of this machine"
  else
    has '^Uid:.*[[:space:]]0([[:space:]]|$)' && say "uid 0"
    has '^Cap(Inh|Prm|Eff|Bnd|Amb):.*[1-9a-f]' && say "capabilities"
    has '^NoNewPrivs:[[:space:]]1' || say "new privileges"
    has '^Seccomp:[[:space:]]2' || say "no seccomp filter"
    root=$(awk '$5 == "/" { options = $6 } END { print options }' "/proc/$pid/mountinfo")
    case ,$root, in *,ro,*) ;; *) say "writable root" ;; esac
    case ${limits% *} in '' | '<nil>' | 0 | -1) say "no limit of processes" ;; esac
    [ "${limits#* }" = 0 ] && say "no limit of memory"
  fi
  if [ "$bad" = "" ]; then
    echo "ok     ${name#/}"
  else
    echo "FAILED ${name#/}: $bad"
    result=1
  fi
done
exit $result
