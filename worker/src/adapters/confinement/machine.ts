/** Finds out what can confine a worker here, by trying it on a program that does nothing. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Machine, Means, SecurityProfile } from "../../../contract/controls.ts";
import type { Controller } from "../cgroups/hierarchies.ts";

const WORKS = { works: true } as const;
const TIMEOUT_MS = 10_000;

type Answer = { readonly status: number | null; readonly said: string; readonly missing: boolean };

function run(command: string, args: readonly string[]): Answer {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8", timeout: TIMEOUT_MS });
  const said = (stderr ?? "").trim().split("\n").at(-1) ?? "";
  const missing = (error as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
  return { status, said: said === "" ? (error?.message ?? `it ended with ${status}`) : said, missing };
}

function means(command: string, answer: Answer, absent: string, hindered: string): Means {
  if (answer.status === 0) return WORKS;
  if (answer.missing) return { works: false, reason: `${command} is not installed`, wayOut: absent };
  return { works: false, reason: answer.said, wayOut: hindered };
}

function findSetpriv(root: boolean, uid: number): Means {
  const user = root
    ? ["--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups", "--bounding-set=-all"]
    : [];
  const answer = run("setpriv", ["--no-new-privs", ...user, "true"]);
  return means(
    "setpriv",
    answer,
    "install util-linux",
    "give root the capabilities SETUID, SETGID and SETPCAP",
  );
}

function findNamespaces(root: boolean): Means {
  const own = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", ...(root ? [] : ["--unshare-user"])];
  const answer = run("bwrap", [...own, "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "true"]);
  return means(
    "bwrap",
    answer,
    "install bubblewrap",
    "allow namespaces to this user (sysctl user.max_user_namespaces)",
  );
}

/** The helper starts programs under its filter. */
function findHelper(helper: string): Means {
  if (helper === "") {
    const wayOut = "install Go 1.26 or newer and run ./taskfleet setup";
    return { works: false, reason: "taskfleet-sandbox is not built", wayOut };
  }
  const answer = run(helper, ["confine", "--policy", policy({ seccomp: "worker" }), "--", "true"]);
  return means(helper, answer, "run ./taskfleet setup", "allow seccomp filters to this user");
}

const policy = (changes: object) =>
  JSON.stringify({
    version: 1,
    uid: 0,
    gid: 0,
    writable: null,
    seccomp: "none",
    dropCapabilities: false,
    ...changes,
  });

/** Shown by a file that cannot be written: an old kernel would let the helper go on without its rules. */
function findLandlock(helper: string): Means {
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-landlock-"));
  const write = ["sh", "-c", ': > "$0"', join(folder, "file")];
  try {
    const { status } = run(helper, ["confine", "--policy", policy({ writable: [] }), "--", ...write]);
    const wayOut = "install bubblewrap, or use a kernel with Landlock (5.13 or newer)";
    return status === 0 ? { works: false, reason: "the kernel has no Landlock", wayOut } : WORKS;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `groups`: which limits a control group was found to set; `helper`: its path, or "". */
export function findMachine(
  { uid: wanted }: SecurityProfile,
  helper: string,
  groups: Pick<Machine, Controller>,
): Machine {
  const uid = process.getuid?.() ?? 0;
  const namespaces = findNamespaces(uid === 0);
  const filter = findHelper(helper);
  return {
    ...groups,
    uid,
    setpriv: findSetpriv(uid === 0, wanted),
    namespaces,
    helper: filter,
    // Only asked where the namespaces do not do it.
    landlock: filter.works && !namespaces.works ? findLandlock(helper) : filter,
  };
}
