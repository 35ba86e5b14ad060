import type { Controls } from "../../../worker/contract/controls.ts";
import type { CommandInputs } from "../../hosts/host-command.ts";
import type { HostFile, ProcessInputs } from "../../hosts/process-inputs.ts";
import type { OutsideUrl } from "../outside-urls.ts";

/** What the stack found out about the machine before it compiles; all paths are absolute. */
export interface LocalContext {
  /** The project's root: the spec's relative paths start here. */
  readonly root: string;
  readonly paths: LocalPaths;
  /** Programs to start. */
  readonly node: string;
  readonly redisServer: string;
  /** Folder of `postgres` and `initdb`; empty where runs are not recorded. */
  readonly postgresPrograms: string;
  /** A Redis that is not the stack's: its URL, which holds no password; `null`: the stack starts one. */
  readonly outsideRedis: { readonly url: string; readonly hasPassword: boolean } | null;
  /** Which addresses of a database that is not the stack's the config has; `null`: the stack starts one. */
  readonly outsideDatabase: readonly OutsideUrl[] | null;
  /** The worker's bundle, see `worker/build.ts`. */
  readonly bundle: { readonly digest: string; readonly directory: string; readonly sandboxHelper: string };
  /** How workers can be confined on this machine. */
  readonly controls: Controls;
  /** The stack's and the engine's secrets, which workers do not see. */
  readonly hiddenPaths: readonly string[];
  /** Hash over the handlers folder's files; empty without one. A change replaces the workers. */
  readonly handlersDigest: string;
  /** Whether the stack's config holds secrets for handlers. */
  readonly hasSecrets: boolean;
  /** Whether the data of Redis and PostgreSQL goes with the stack. */
  readonly deleteData: boolean;
}

/** Where one stack keeps its things. */
export interface LocalPaths {
  readonly directory: string;
  readonly clientEnv: string;
  readonly databaseEnv: string;
  readonly apiEnv: string;
  readonly redis: string;
  readonly postgres: string;
  readonly run: string;
  readonly logs: string;
  readonly secrets: string;
  /** Outside of `directory`: backups stay when the stack's data are deleted. */
  readonly backups: string;
}

/** One worker class: two spawners, of which one leads, and the workers that they start. */
export interface LocalClass {
  readonly name: string;
  readonly stream: string;
  /** Hash of all that a worker is started with, and a reference to Redis' address. */
  readonly revision: string;
  readonly workers: {
    readonly name: string;
    readonly directory: string;
    readonly stopTimeoutSeconds: number;
  };
  readonly spawners: readonly ProcessInputs[];
}

/** The record's database: a server, and the command that makes its roles and tables. */
export interface LocalDatabase {
  readonly server: ProcessInputs;
  readonly setup: CommandInputs;
}

/** The processes of a fleet on this machine. Texts may hold references, see `references.ts`. */
export interface LocalDocument {
  /** `null` where the queue is in another server. */
  readonly redis: ProcessInputs | null;
  /** Asks another server whether it can be used; `null` without one. */
  readonly outsideRedis: CommandInputs | null;
  /** `null` where runs are not recorded, or in another server. */
  readonly database: LocalDatabase | null;
  /** Writes the addresses of another server, and sets up or checks its tables; `null` without one. */
  readonly outsideDatabase: CommandInputs | null;
  /** `null` where the spec wants none. */
  readonly api: ProcessInputs | null;
  /** The secrets in the stack's config; `null` without any. */
  readonly secrets: HostFile | null;
  /** Makes backups; `null` where the spec wants none. */
  readonly backup: ProcessInputs | null;
  /** Run once, before anybody uses the servers; `null` where the spec names no backup. */
  readonly restore: CommandInputs | null;
  readonly classes: readonly LocalClass[];
  /** `bundle:sha256:<hex>`, recorded in every result. */
  readonly imageTag: string;
  /** How workers are confined here and which controls are lost, in words. */
  readonly controls: string;
  /** How long the task of a dead worker waits at most, in words. */
  readonly lostTasks: string;
}
