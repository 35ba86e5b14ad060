import { CustomResource, type CustomResourceOptions, type Input, type Output } from "@pulumi/pulumi";
import type { ComposeProjectInputs, PlannedFile } from "./compose/project-inputs.ts";
import type { SecretInputs } from "./generated-secret.ts";
import type { CommandInputs } from "./host-command.ts";
import type { WorkersInputs } from "./local-workers.ts";
import type { HostFile, ProcessInputs } from "./process-inputs.ts";
import { RESOURCE_TYPES } from "./resource-tokens.ts";

/** The inputs of a process; texts may be born in other resources. */
export interface HostProcessArgs extends Omit<ProcessInputs, "environment" | "files"> {
  readonly environment: Readonly<Record<string, Input<string>>>;
  readonly files: readonly (Omit<HostFile, "content"> & { readonly content: Input<string> })[];
}

/** A process of this machine that outlives the update. See `process-inputs.ts`. */
export class HostProcess extends CustomResource {
  declare readonly boundPort: Output<number>;
  /** `127.0.0.1:<port>` */
  declare readonly address: Output<string>;
  declare readonly pid: Output<number>;
  declare readonly startTime: Output<number>;

  constructor(name: string, args: HostProcessArgs, options?: CustomResourceOptions) {
    const found = {
      running: undefined,
      pid: undefined,
      startTime: undefined,
      boundPort: undefined,
      address: undefined,
      filesIntact: undefined,
    };
    super(RESOURCE_TYPES.process, name, { ...args, ...found }, options);
  }
}

/** A file of this machine that running processes watch. See `local-file.ts`. */
export class WatchedFile extends CustomResource {
  constructor(
    name: string,
    args: Omit<HostFile, "content"> & { readonly content: Input<string> },
    options?: CustomResourceOptions,
  ) {
    super(RESOURCE_TYPES.file, name, { ...args, intact: undefined }, options);
  }
}

/** Random text, made once and kept as a secret of the stack. */
export class GeneratedSecret extends CustomResource {
  declare readonly value: Output<string>;

  constructor(name: string, args: SecretInputs, options?: CustomResourceOptions) {
    super(RESOURCE_TYPES.secret, name, { ...args, value: undefined }, options);
  }
}

/** The inputs of a command; texts may be born in other resources. */
export interface HostCommandArgs extends Omit<CommandInputs, "environment" | "files" | "trigger"> {
  readonly environment: Readonly<Record<string, Input<string>>>;
  readonly files: HostProcessArgs["files"];
  readonly trigger: Input<string>;
}

/** A command that runs when its trigger changes. See `host-command.ts`. */
export class HostCommand extends CustomResource {
  constructor(name: string, args: HostCommandArgs, options?: CustomResourceOptions) {
    super(RESOURCE_TYPES.command, name, { ...args, intact: undefined }, options);
  }
}

/** The workers that spawners start; its deletion drains and stops them. */
export class HostWorkers extends CustomResource {
  constructor(name: string, args: WorkersInputs, options?: CustomResourceOptions) {
    super(RESOURCE_TYPES.workers, name, { ...args }, options);
  }
}

/** The inputs of a Compose project; texts may be born in other resources. */
export interface ComposeProjectArgs extends Omit<ComposeProjectInputs, "files" | "images"> {
  readonly files: Readonly<
    Record<string, Omit<PlannedFile, "content"> & { readonly content: Input<string> }>
  >;
  readonly images: Readonly<Record<string, Input<string>>>;
}

/** A Compose project on an engine's host. See `compose/project-inputs.ts`. */
export class ComposeProject extends CustomResource {
  /** The project's folder, absolute. */
  declare readonly folder: Output<string>;
  /** Config digests by variable of `.env`. */
  declare readonly imageIds: Output<Readonly<Record<string, string>>>;
  /** Running containers by scaled service. */
  declare readonly replicas: Output<Readonly<Record<string, number>>>;
  /** `address:port` by service and port inside, such as `api:8080`. */
  declare readonly published: Output<Readonly<Record<string, string>>>;

  constructor(name: string, args: ComposeProjectArgs, options?: CustomResourceOptions) {
    const found = {
      folder: undefined,
      imageIds: undefined,
      drift: undefined,
      replicas: undefined,
      published: undefined,
    };
    super(RESOURCE_TYPES.composeProject, name, { ...args, ...found }, options);
  }
}
