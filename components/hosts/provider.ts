import type { provider } from "@pulumi/pulumi";
import { composeProject } from "./compose/compose-project.ts";
import { HostError } from "./errors.ts";
import { generatedSecret } from "./generated-secret.ts";
import { hostCommand } from "./host-command.ts";
import { localFile } from "./local-file.ts";
import { localProcess } from "./local-process.ts";
import { localWorkers } from "./local-workers.ts";
import { PartlyMadeError } from "./partly-made.ts";
import type { Failure } from "./process-inputs.ts";
import { hasSecret, hasUnknown, secret, storable, unwrapProperties } from "./raw-values.ts";
import { RESOURCE_TYPES } from "./resource-tokens.ts";
import type { ResourceType } from "./resource-type.ts";

type Properties = Readonly<Record<string, unknown>>;
type AnyResource = ResourceType<Properties, Properties>;

/**
 * The engine's values have no static type. `check` vouches for them before any other call, so each resource
 * may state its own.
 */
function erased<Inputs, State>(type: ResourceType<Inputs, State>): AnyResource {
  return type as unknown as AnyResource;
}

const TYPES: Readonly<Record<string, AnyResource>> = {
  [RESOURCE_TYPES.process]: erased(localProcess),
  [RESOURCE_TYPES.secret]: erased(generatedSecret),
  [RESOURCE_TYPES.file]: erased(localFile),
  [RESOURCE_TYPES.command]: erased(hostCommand),
  [RESOURCE_TYPES.workers]: erased(localWorkers),
  [RESOURCE_TYPES.composeProject]: erased(composeProject),
};

/** `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>` */
function typeOf(urn: string): AnyResource {
  const token = urn.split("::")[2]?.split("$").at(-1) ?? urn;
  const type = TYPES[token];
  if (type === undefined) {
    throw new HostError(
      `the provider has no resource type ${token}; it has ${Object.keys(TYPES).join(", ")}`,
    );
  }
  return type;
}

/** The inputs as they came, and what the resource found out, for the state. */
function outputs(type: AnyResource, inputs: unknown, state: Properties): Properties {
  const kept = storable(inputs) as Properties;
  const found = Object.entries(state).map(([key, value]) => [
    key,
    type.secretOutputs.includes(key) ? secret(value) : value,
  ]);
  return { ...kept, ...Object.fromEntries(found) };
}

/** How the engine is told of a resource that is there in part: it records it, and its message comes as reasons. */
function initFailure(type: AnyResource, inputs: unknown, error: unknown): unknown {
  if (!(error instanceof PartlyMadeError)) return error;
  const properties = outputs(type, inputs, error.state);
  return Object.assign(new Error(error.message), { id: error.id, properties, reasons: [error.message] });
}

function secretsInTheOpen(type: AnyResource, news: Properties): readonly Failure[] {
  return type.noSecretsIn
    .filter((property) => hasSecret(news[property]))
    .map((property) => ({
      property,
      reason: "holds a secret, which others could read there: put it in a file",
    }));
}

/** The provider `taskfleet`: reads the engine's values and calls the resource type that the URN names. */
export const hostProvider: provider.Provider = {
  version: "0.1.0",

  async check(urn, _olds, news) {
    const type = typeOf(urn);
    const failures = [...secretsInTheOpen(type, news)];
    if (!hasUnknown(news)) failures.push(...type.check(unwrapProperties(news)));
    return { inputs: news, failures };
  },

  async diff(_id, urn, olds, news) {
    if (hasUnknown(news)) return { changes: true };
    const { changes, replaces } = typeOf(urn).diff(unwrapProperties(olds), unwrapProperties(news));
    return { changes, replaces: [...replaces], deleteBeforeReplace: true };
  },

  async create(urn, inputs) {
    const type = typeOf(urn);
    try {
      const { id, state } = await type.create(unwrapProperties(inputs));
      return { id, outs: outputs(type, inputs, state) };
    } catch (error) {
      throw initFailure(type, inputs, error);
    }
  },

  async read(id, urn, props) {
    const found = await typeOf(urn).read(unwrapProperties(props));
    return { id, props: { ...props, ...found } };
  },

  async update(_id, urn, olds, news) {
    const type = typeOf(urn);
    try {
      return { outs: outputs(type, news, await type.update(unwrapProperties(olds), unwrapProperties(news))) };
    } catch (error) {
      throw initFailure(type, news, error);
    }
  },

  async delete(_id, urn, props) {
    await typeOf(urn).delete(unwrapProperties(props));
  },
};
