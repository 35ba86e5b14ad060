import type { HostShell } from "../hosts/compose/host-shell.ts";
import type { Attempt } from "./facts.ts";

/**
 * Tries what a confined program is refused, and leaves nothing behind when it is not. No limit is tried: that would harm
 * what runs there.
 */
const SCRIPT = `
try() {
  name=$1; shift
  command -v "$1" > /dev/null || { echo "absent $name"; return; }
  if "$@" > /dev/null 2>&1; then echo "done $name"; else echo "refused $name"; fi
}
own=/tmp/.taskfleet-verify-$$
if (: > /.taskfleet-verify) 2> /dev/null; then echo "done write to /"; rm -f /.taskfleet-verify; else echo "refused write to /"; fi
if (: > "$own") 2> /dev/null; then try "give a file away" chown 1:1 "$own"; rm -f "$own"; fi
try "make a device" mknod "$own.device" c 1 3
rm -f "$own.device" 2> /dev/null
try "change the root" chroot / true
[ "$(id -u)" = 0 ] || try "become root" setuidgid root true
exit 0
`;

function parse(output: string): readonly Attempt[] {
  return output.split("\n").flatMap((line): Attempt[] => {
    const [, end, name] = /^(refused|done|absent) (.+)$/.exec(line) ?? [];
    return end === undefined || name === undefined ? [] : [{ name, end: end as Attempt["end"] }];
  });
}

/** What a program in this container may do; empty where it has no shell. */
export async function tryIn(shell: HostShell, container: string): Promise<readonly Attempt[]> {
  const words = ["docker", "exec", "--interactive", container, "sh", "-s"];
  const end = await shell.run(words, { stdin: SCRIPT, timeoutSeconds: 30 });
  return end.code === 0 ? parse(end.stdout) : [];
}
