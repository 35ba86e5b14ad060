import { isAbsolute } from "node:path";
import type { Failure } from "../process-inputs.ts";

/** Where the engine is, and with it the project's folder. */
export type ComposeHost =
  | { readonly kind: "local" }
  | {
      readonly kind: "ssh";
      /** `user@host`, or a name of the user's SSH configuration. */
      readonly destination: string;
      /** 0: as SSH's configuration says. */
      readonly port: number;
      /** Private key; empty: as SSH's configuration says. */
      readonly identityFile: string;
    };

/** What the provider has to know of a service beside its definition. */
export interface PlannedService {
  /** Its replica count is `watch-queue`'s to say: an output, never a diff. */
  readonly scaled: boolean;
  /** Its definition has `${WORKER_...}`: a value from the shell is no drift. */
  readonly interpolated: boolean;
  readonly replicas: number;
}

/** A file's content may be a secret. */
export interface PlannedFile {
  readonly content: string;
  /** Octal text: `0444`. */
  readonly mode: string;
}

/** A Compose project on an engine's host. */
export interface ComposeProjectInputs {
  /** Compose's project name. */
  readonly project: string;
  /** Absolute, on the engine's host; there, `~/` is the home of who logs in over SSH. */
  readonly directory: string;
  readonly host: ComposeHost;
  /** By path relative to the folder: `compose.yaml`, `.env`, and all that they name. */
  readonly files: Readonly<Record<string, PlannedFile>>;
  readonly services: Readonly<Record<string, PlannedService>>;
  /** Image references by the variable of `.env` that names them: `TASKFLEET_IMAGE`. */
  readonly images: Readonly<Record<string, string>>;
  /** Longest that a service may need to become healthy. */
  readonly readySeconds: number;
  /** Longest that a worker may need to finish its tasks, before SIGKILL. */
  readonly stopSeconds: number;
  /** Whether the named volumes go with the resource. */
  readonly deleteData: boolean;
  /** Absolute, on this machine: says what there is on the host, for `down` when no state does. */
  readonly record: string;
}

/** What is known of a project beside its inputs. Names stand for what they are: a service, a file, an image's variable. */
export interface ComposeProjectState {
  /** The folder, absolute. */
  readonly folder: string;
  /** Config digests (`sha256:...`) by variable. */
  readonly imageIds: Readonly<Record<string, string>>;
  /** What `.env` has beside what the inputs say of it. */
  readonly variables: Readonly<Record<string, string>>;
  /** What is not as it was brought up, and how; empty when all is. */
  readonly drift: Readonly<Record<string, string>>;
  /** Running containers of the scaled services. */
  readonly replicas: Readonly<Record<string, number>>;
  /** `address:port` of what services publish, by service and port inside: `api:8080`. */
  readonly published: Readonly<Record<string, string>>;
}

export type RecordedProject = ComposeProjectInputs & ComposeProjectState;

/** A change of these makes it another project; its volumes stay, unless `deleteData`. */
export const IDENTITY: readonly (keyof ComposeProjectInputs)[] = ["project", "directory", "host"];

const isInside = (path: string) =>
  path !== "" && !isAbsolute(path) && path.split("/").every((part) => part !== "" && part !== "..");

/** What is wrong with the inputs; empty when nothing is. */
export function checkProject(inputs: ComposeProjectInputs): readonly Failure[] {
  const failures: Failure[] = [];
  const demand = (
    holds: boolean,
    property: keyof ComposeProjectInputs,
    received: unknown,
    allowed: string,
  ) => {
    if (!holds) failures.push({ property, reason: `got ${JSON.stringify(received)}; allowed: ${allowed}` });
  };
  const { project, directory, host, files, services, readySeconds, stopSeconds, record } = inputs;
  const absolute = isAbsolute(directory) || (host.kind === "ssh" && directory.startsWith("~/"));
  demand(
    /^[a-z0-9][a-z0-9_-]{0,62}$/.test(project),
    "project",
    project,
    "lower-case letters, digits, - and _",
  );
  demand(absolute, "directory", directory, `an absolute path${host.kind === "ssh" ? ", or one of ~/" : ""}`);
  demand(isAbsolute(record), "record", record, "an absolute path");
  demand("compose.yaml" in files, "files", Object.keys(files), "a file compose.yaml among others");
  for (const [path, { mode }] of Object.entries(files)) {
    demand(isInside(path), "files", path, "a path below the project's folder");
    demand(/^0[0-7]{3}$/.test(mode), "files", mode, "a mode such as 0444");
  }
  for (const [name, { replicas }] of Object.entries(services))
    demand(
      Number.isInteger(replicas) && replicas >= 0,
      "services",
      `${name}: ${replicas}`,
      "0 or more replicas",
    );
  demand(readySeconds > 0, "readySeconds", readySeconds, "more than 0 seconds");
  demand(stopSeconds >= 0, "stopSeconds", stopSeconds, "0 or more seconds");
  // A destination that begins with a hyphen would be an option to ssh.
  if (host.kind === "ssh")
    demand(
      /^[^-\s][^\s]*$/.test(host.destination),
      "host",
      host.destination,
      "user@host, or a name of SSH's configuration",
    );
  return failures;
}
