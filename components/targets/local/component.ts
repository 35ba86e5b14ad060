import {
  all,
  ComponentResource,
  type ComponentResourceOptions,
  type Input,
  type Output,
} from "@pulumi/pulumi";
import type { ProcessInputs } from "../../hosts/process-inputs.ts";
import { GeneratedSecret, HostProcess, HostWorkers } from "../../hosts/resources.ts";
import { redisPasswordHash } from "../../platform/redis.ts";
import { fillReferences, type Reference, referencesIn } from "../references.ts";
import type { LocalClass, LocalDocument } from "./document.ts";

type Values = Partial<Readonly<Record<Reference, Output<string>>>>;

/** Only what a text refers to goes in, so that a text without a secret does not become one. */
function fill(text: string, values: Values): Input<string> {
  const names = referencesIn(text);
  if (names.length === 0) return text;
  const used = Object.fromEntries(names.map((name) => [name, values[name]]));
  return all(used).apply((known) => {
    const texts = Object.entries(known).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return fillReferences(text, Object.fromEntries(texts));
  });
}

function filled(plan: ProcessInputs, values: Values) {
  const environment = Object.entries(plan.environment).map(([name, text]) => [name, fill(text, values)]);
  const files = plan.files.map((file) => ({ ...file, content: fill(file.content, values) }));
  return { ...plan, environment: Object.fromEntries(environment), files };
}

const PASSWORD_BYTES = 32;

/** A fleet on this machine, as `compile` laid it out. */
export class LocalFleet extends ComponentResource {
  readonly redis: HostProcess;
  /** Spawners by name. */
  readonly spawners: ReadonlyMap<string, HostProcess>;

  /** `name`: the stack's, never the fleet's: that may change while processes and files stay the same. */
  constructor(name: string, document: LocalDocument, options?: ComponentResourceOptions) {
    super("taskfleet:local:Fleet", name, {}, options);
    const password = new GeneratedSecret(
      `${name}-redis-password`,
      { bytes: PASSWORD_BYTES },
      { parent: this },
    );
    this.redis = this.#createRedis(name, document.redis, password.value);
    const spawners = document.classes.map((workerClass) => this.#createClass(name, workerClass));
    this.spawners = new Map(spawners.flat());
    this.registerOutputs({ redisAddress: this.redis.address });
  }

  #createRedis(name: string, plan: ProcessInputs, redisPassword: Output<string>): HostProcess {
    const redisPasswordHashed = redisPassword.apply(redisPasswordHash);
    const values = { redisPassword, redisPasswordHash: redisPasswordHashed };
    return new HostProcess(`${name}-${plan.name}`, filled(plan, values), { parent: this });
  }

  /** On the way down spawners go first, then the workers that they left running, then Redis. */
  #createClass(name: string, { workers, spawners }: LocalClass): readonly (readonly [string, HostProcess])[] {
    const { name: workersName, ...args } = workers;
    const fleetWorkers = new HostWorkers(`${name}-${workersName}`, args, {
      parent: this,
      dependsOn: [this.redis],
    });
    return spawners.map((plan) => {
      const options = { parent: this, dependsOn: [this.redis, fleetWorkers] };
      const args = filled(plan, { redisAddress: this.redis.address });
      return [plan.name, new HostProcess(`${name}-${plan.name}`, args, options)] as const;
    });
  }
}
