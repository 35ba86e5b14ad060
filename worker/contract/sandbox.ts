/** What a sandbox protects, the ways to make one, and which mechanism of which way enforces what. */

export const PROTECTIONS = [
  "files",
  "disk",
  "network",
  "processes",
  "memory",
  "cpu",
  "wall",
  "output",
  "signals",
  "environment",
  "leftovers",
] as const;
export type Protection = (typeof PROTECTIONS)[number];

/** What the helper makes, the strongest first. */
export const HELPER_BACK_ENDS = ["bubblewrap", "landlock"] as const;
export type HelperBackEnd = (typeof HELPER_BACK_ENDS)[number];

export const BACK_ENDS = [...HELPER_BACK_ENDS, "broker"] as const;
export type BackEnd = (typeof BACK_ENDS)[number];

/** `kernel`: nothing gets past it. `watch`: looked at every 50 ms, and ended when over it. */
export interface Enforcement {
  readonly by: "kernel" | "watch";
  readonly how: string;
}

/** What each protection means, for people. */
export const MEANINGS: Readonly<Record<Protection, string>> = {
  files: "reads the system's programs and its own folder, writes its own folder only",
  disk: "what it writes in all",
  network: "no sockets: no TCP, UDP, DNS, unix or abstract sockets",
  processes: "processes and threads",
  memory: "memory of all its processes",
  cpu: "processor time of all its processes",
  wall: "time from start to end",
  output: "what it prints",
  signals: "no signal, priority or limit of others",
  environment: "no ptrace, memory, environment or /proc of others",
  leftovers: "nothing of it runs on",
};

const kernel = (how: string): Enforcement => ({ by: "kernel", how });
const watch = (how: string): Enforcement => ({ by: "watch", how });

const SECCOMP_SOCKETS = "seccomp closes sockets of every family";
const WALL = watch("the helper's timer, and the worker's");
const OUTPUT = watch("the worker stops reading at the cap and ends it");
const CPU = watch("RLIMIT_CPU for each process; the helper adds all of them up");
const MEMORY = watch("the helper adds up resident memory; RLIMIT_DATA of twice the limit for each process");

/** The table: what enforces each protection in each back end. */
export const ENFORCEMENT: Readonly<Record<BackEnd, Readonly<Record<Protection, Enforcement>>>> = {
  bubblewrap: {
    files: kernel("a mount namespace with the system read-only, and Landlock in it"),
    disk: kernel("its folder is a tmpfs of that size"),
    network: kernel(`a network namespace without interfaces; ${SECCOMP_SOCKETS}`),
    processes: kernel(
      "RLIMIT_NPROC, which counts in its user namespace alone, an eighth above; the helper counts",
    ),
    memory: MEMORY,
    cpu: CPU,
    wall: WALL,
    output: OUTPUT,
    signals: kernel("a process namespace; seccomp for priorities and limits"),
    environment: kernel("a process namespace with its own /proc; seccomp kills ptrace"),
    leftovers: kernel("the process namespace ends with its first process"),
  },
  landlock: {
    files: kernel("Landlock; seccomp refuses to change rights by path, which Landlock does not cover"),
    disk: watch("RLIMIT_FSIZE for each file; the helper adds up the folder every 200 ms"),
    network: kernel(`${SECCOMP_SOCKETS}; Landlock closes TCP (ABI 4) and abstract sockets (ABI 6)`),
    processes: watch(
      "the helper counts; RLIMIT_NPROC 1,024 above, since it counts the user's processes of all containers, or an " +
        "eighth above where the worker is root and gives each program its own user; one program at a time otherwise",
    ),
    memory: MEMORY,
    cpu: CPU,
    wall: WALL,
    output: OUTPUT,
    signals: kernel(
      "Landlock's signal scope (ABI 6), or a user of its own where the worker is root; seccomp",
    ),
    environment: kernel("Landlock closes ptrace and /proc; seccomp kills ptrace"),
    leftovers: kernel("a SIGKILL that Landlock's scope confines to the program and its children (ABI 6)"),
  },
  broker: {
    files: kernel("a container with the broker's image, read-only"),
    disk: kernel(
      "its folder is a tmpfs of that size, the only place to write: `exit`, as the program takes a full disk",
    ),
    network: kernel("a network namespace without interfaces; unix sockets reach its own processes only"),
    processes: kernel("pids.max; the broker reads its events every 50 ms"),
    memory: kernel("memory.max, without swap; what it writes counts"),
    cpu: watch(
      "RLIMIT_CPU for each process; the broker reads the control group, or, where it cannot, takes time since the start by " +
        "the container's CPUs",
    ),
    wall: watch("the broker's timer, from the start of the container, and the worker's"),
    output: watch("the broker drops what is over the cap and ends it"),
    signals: kernel("a process namespace, without capabilities"),
    environment: kernel("a process namespace with its own /proc; Docker's seccomp profile"),
    leftovers: kernel("the process namespace ends with its first process; the broker removes the container"),
  },
};

/** What control groups put in place of the helper's, where the worker may make them. */
export const CGROUP_ENFORCEMENT: Readonly<Partial<Record<Protection, Enforcement>>> = {
  processes: kernel("pids.max"),
  memory: kernel("memory.max, without swap"),
};
