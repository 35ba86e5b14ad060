/** What is known of one container or worker process before it is judged. Plain data: where it came from does not matter. */
import type { Controls } from "../../worker/contract/controls.ts";

export const NAMESPACES = ["pid", "net", "ipc", "uts", "mnt"] as const;
export type Namespace = (typeof NAMESPACES)[number];

/** A process by the lines of its `/proc/<pid>/status`: `Uid`, `CapEff`, `NoNewPrivs`, `Seccomp`, `Name`, ... */
export interface ProcessFacts {
  readonly pid: number;
  readonly status: Readonly<Record<string, string>>;
}

/** What the kernel says of a process and of those in its control group. */
export interface KernelFacts {
  /** Whether there is such a process. */
  readonly alive: boolean;
  /** The process itself first. */
  readonly processes: readonly ProcessFacts[];
  /** Lines of `/proc/<pid>/cgroup`. */
  readonly groups: readonly string[];
  /** Lines of `/proc/<pid>/mountinfo`; empty: not readable. */
  readonly mounts: readonly string[];
  /** Identities such as `pid:[4026531836]`; one that is absent is not readable. */
  readonly namespaces: Partial<Readonly<Record<Namespace, string>>>;
  /** Limits of its control group and of each one above, as text; empty: none can be read. */
  readonly pids: readonly string[];
  readonly memory: readonly string[];
}

/** What the engine says of a container. */
export interface EngineFacts {
  readonly id: string;
  readonly privileged: boolean;
  /** Paths on the host. */
  readonly mountSources: readonly string[];
  /** Paths on the host of the sockets of engines, the one that was asked among them. */
  readonly engineSockets: readonly string[];
  /** Whether it is meant to have the engine's socket. */
  readonly mayHaveSocket: boolean;
}

/** What a program in the container was refused, was let do, or could not try. */
export interface Attempt {
  readonly name: string;
  readonly end: "refused" | "done" | "absent";
}

export interface Subject {
  readonly name: string;
  /** Service of the project, or worker class. */
  readonly service: string;
  readonly pid: number;
  readonly kernel: KernelFacts;
  /** Of the host's first process, or else of who looks; those that cannot be read are absent. */
  readonly hostNamespaces: KernelFacts["namespaces"];
  /** `null`: it is a process of this machine. */
  readonly engine: EngineFacts | null;
  /** `null`: nothing was tried, for its image is not ours. */
  readonly attempts: readonly Attempt[] | null;
  /** What `up` found that it cannot have here, and what the spec asks for; `null`: everything is demanded. */
  readonly controls: Controls | null;
}
