import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from "@pulumi/pulumi";
import type { CommandInputs } from "../../hosts/host-command.ts";
import type { HostFile, ProcessInputs } from "../../hosts/process-inputs.ts";
import {
  GeneratedSecret,
  HostCommand,
  HostProcess,
  HostWorkers,
  WatchedFile,
} from "../../hosts/resources.ts";
import { redisPasswordHash } from "../../platform/redis.ts";
import { fill, type Values } from "../fill.ts";
import type { LocalClass, LocalDatabase, LocalDocument } from "./document.ts";

function filledAll(
  texts: Readonly<Record<string, string>>,
  values: Values,
): Readonly<Record<string, Input<string>>> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, fill(text, values)]));
}

function filled(plan: ProcessInputs, values: Values) {
  const files = plan.files.map((file) => ({ ...file, content: fill(file.content, values) }));
  return { ...plan, environment: filledAll(plan.environment, values), files };
}

/** What every process of the fleet talks to, and what has to be there before it. */
interface Reached {
  readonly values: Values;
  readonly resources: readonly Resource[];
}

const PASSWORD_BYTES = 32;

/** A fleet on this machine, as `compile` laid it out. */
export class LocalFleet extends ComponentResource {
  /** Redis, where the stack starts one. */
  readonly redis: HostProcess | undefined;
  /** Redis, or what looked at another one. */
  readonly #queue: Resource;
  /** PostgreSQL, where runs are recorded. */
  readonly database: HostProcess | undefined;
  readonly api: HostProcess | undefined;
  readonly backup: HostProcess | undefined;
  /** Spawners by name. */
  readonly spawners: ReadonlyMap<string, HostProcess>;

  /**
   * `name`: the stack's, never the fleet's: that may change while processes and files stay the same. `given`: what the
   * stack's config holds as secrets: those of handlers, the addresses of a database that the stack does not start.
   */
  constructor(name: string, document: LocalDocument, given: Values = {}, options?: ComponentResourceOptions) {
    super("taskfleet:local:Fleet", name, {}, options);
    this.redis = document.redis === null ? undefined : this.#createRedis(name, document.redis);
    this.#queue = this.redis ?? this.#createOutside(name, document.outsideRedis, given);
    const database = document.database === null ? undefined : this.#createDatabase(name, document.database);
    this.database = database?.server;
    const { outsideDatabase } = document;
    const elsewhere =
      outsideDatabase === null ? undefined : this.#createOutside(name, outsideDatabase, given);
    const recorded = database?.setup ?? elsewhere;
    const servers = {
      values: {
        ...(this.redis === undefined ? {} : { redisAddress: this.redis.address }),
        ...(database === undefined ? {} : { postgresPort: database.server.boundPort.apply(String) }),
      },
      resources: [
        this.#queue,
        ...(recorded === undefined ? [] : [recorded]),
        ...(document.secrets === null ? [] : [this.#createSecrets(name, document.secrets, given)]),
      ],
    };
    const reached = this.#restore(name, document, servers);
    this.backup = document.backup === null ? undefined : this.#createProcess(name, document.backup, reached);
    this.api = document.api === null ? undefined : this.#createApi(name, document.api, reached);
    const spawners = document.classes.map((workerClass) => this.#createClass(name, workerClass, reached));
    this.spawners = new Map(spawners.flat());
    this.registerOutputs(this.redis === undefined ? {} : { redisAddress: this.redis.address });
  }

  #createSecret(name: string): Output<string> {
    return new GeneratedSecret(name, { bytes: PASSWORD_BYTES }, { parent: this }).value;
  }

  #createRedis(name: string, plan: ProcessInputs): HostProcess {
    const redisPassword = this.#createSecret(`${name}-redis-password`);
    const redisPasswordHashed = redisPassword.apply(redisPasswordHash);
    const values = { redisPassword, redisPasswordHash: redisPasswordHashed };
    return new HostProcess(`${name}-${plan.name}`, filled(plan, values), { parent: this });
  }

  #createDatabase(name: string, { server: plan, setup }: LocalDatabase) {
    const values = {
      postgresAdminPassword: this.#createSecret(`${name}-postgres-admin-password`),
      postgresMigratePassword: this.#createSecret(`${name}-postgres-migrate-password`),
      postgresAppPassword: this.#createSecret(`${name}-postgres-app-password`),
      postgresBackupPassword: this.#createSecret(`${name}-postgres-backup-password`),
    };
    const server = new HostProcess(`${name}-${plan.name}`, filled(plan, values), { parent: this });
    const known = {
      postgresPort: server.boundPort.apply(String),
      postgresStart: all([server.pid, server.startTime]).apply((identity) => identity.join("-")),
    };
    const args = {
      ...setup,
      environment: filledAll(setup.environment, known),
      trigger: fill(setup.trigger, known),
    };
    const options = { parent: this, dependsOn: [server] };
    return { server, setup: new HostCommand(`${name}-${setup.name}`, args, options) };
  }

  #createSecrets(name: string, file: HostFile, given: Values): WatchedFile {
    const args = { ...file, content: fill(file.content, given) };
    return new WatchedFile(`${name}-handler-secrets`, args, { parent: this });
  }

  #createOutside(name: string, plan: CommandInputs | null, given: Values): HostCommand {
    if (plan === null) throw new Error("a document has a server, or a command that looks at another one");
    const files = plan.files.map((file) => ({ ...file, content: fill(file.content, given) }));
    return new HostCommand(`${name}-${plan.name}`, { ...plan, files }, { parent: this });
  }

  /** Whoever comes after it finds the servers filled. */
  #restore(name: string, { restore }: LocalDocument, { values, resources }: Reached): Reached {
    if (restore === null) return { values, resources };
    const args = {
      ...restore,
      environment: filledAll(restore.environment, values),
      trigger: fill(restore.trigger, values),
    };
    const options = { parent: this, dependsOn: [...resources] };
    return { values, resources: [...resources, new HostCommand(`${name}-${restore.name}`, args, options)] };
  }

  #createProcess(name: string, plan: ProcessInputs, { values, resources }: Reached): HostProcess {
    const options = { parent: this, dependsOn: [...resources] };
    return new HostProcess(`${name}-${plan.name}`, filled(plan, values), options);
  }

  #createApi(name: string, plan: ProcessInputs, { values, resources }: Reached): HostProcess {
    const args = filled(plan, { ...values, apiKey: this.#createSecret(`${name}-api-key`) });
    return new HostProcess(`${name}-${plan.name}`, args, { parent: this, dependsOn: [...resources] });
  }

  /** On the way down spawners go first, then the workers that they left running, then Redis. */
  #createClass(
    name: string,
    { workers, spawners }: LocalClass,
    { values, resources }: Reached,
  ): readonly (readonly [string, HostProcess])[] {
    const { name: workersName, ...args } = workers;
    const fleetWorkers = new HostWorkers(`${name}-${workersName}`, args, {
      parent: this,
      dependsOn: [this.#queue],
    });
    return spawners.map((plan) => {
      const options = { parent: this, dependsOn: [...resources, fleetWorkers] };
      const args = filled(plan, values);
      return [plan.name, new HostProcess(`${name}-${plan.name}`, args, options)] as const;
    });
  }
}
