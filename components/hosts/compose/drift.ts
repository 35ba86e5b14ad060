/** What is not as it was brought up: pure, on what the host was asked. */
import type { ProjectContainer } from "./compose-engine.ts";
import type { DefinedService, Definition } from "./definition.ts";
import type { FileState } from "./project-files.ts";
import type { PlannedService } from "./project-inputs.ts";

export type Drift = Readonly<Record<string, string>>;

/** Set in the environment of what is interpolated: a hash of its definition without the values. */
const REVISION = "TASKFLEET_REVISION";

function troubleOf(
  container: ProjectContainer,
  { interpolated }: PlannedService,
  defined: DefinedService | undefined,
): string | undefined {
  const { status, exitCode, health } = container;
  if (defined !== undefined) {
    const same = interpolated
      ? container.environment[REVISION] === defined.environment[REVISION]
      : container.configHash === defined.hash;
    if (!same) return "has another definition";
  }
  // While the file is another one, nothing says which service is to end.
  if ((defined === undefined || defined.oneShot) && status === "exited" && exitCode === 0) return undefined;
  if (status === "exited") return `stopped (exit code ${exitCode})`;
  if (status !== "running") return status;
  return health === "unhealthy" ? "unhealthy" : undefined;
}

/** Of several containers of a service, what is wrong with the first that has something. */
function serviceTrouble(
  containers: readonly ProjectContainer[],
  plan: PlannedService,
  defined: DefinedService | undefined,
): string | undefined {
  if (plan.replicas > 0 && containers.length === 0) return "missing";
  const trouble = containers
    .map((container) => troubleOf(container, plan, defined))
    .find((found) => found !== undefined);
  if (trouble !== undefined) return trouble;
  const { length } = containers;
  return length === plan.replicas ? undefined : `${length} of ${plan.replicas} containers`;
}

export interface Observed {
  readonly files: ReadonlyMap<string, FileState>;
  readonly containers: readonly ProjectContainer[];
  /** `null` while `compose.yaml` is not what was written. */
  readonly definition: Definition | null;
  /** Config digests by variable; none of an image that is not there. */
  readonly imageIds: Readonly<Record<string, string>>;
}

export interface Expected {
  readonly services: Readonly<Record<string, PlannedService>>;
  readonly imageIds: Readonly<Record<string, string>>;
}

/**
 * By service, file or image variable. Scaled services are left out: how many containers they have, and of which
 * definition, is for who scales them.
 */
export function findDrift({ services, imageIds }: Expected, observed: Observed): Drift {
  const containers = observed.containers.filter(({ oneOff }) => !oneOff);
  const files = [...observed.files].filter(([, state]) => state !== "intact");
  const fixed = Object.entries(services).filter(([, { scaled }]) => !scaled);
  const troubles = fixed.flatMap(([name, plan]) => {
    const own = containers.filter(({ service }) => service === name);
    const trouble = serviceTrouble(own, plan, observed.definition?.[name]);
    return trouble === undefined ? [] : [[name, trouble] as const];
  });
  const strangers = containers.filter(({ service }) => services[service] === undefined);
  const images = Object.entries(imageIds).flatMap(([variable, id]) => {
    const found = observed.imageIds[variable];
    if (found === id) return [];
    return [[variable, found === undefined ? "the image is gone" : "names another image now"] as const];
  });
  return Object.fromEntries([
    ...files,
    ...troubles,
    ...strangers.map(({ service }) => [service, "not in compose.yaml"] as const),
    ...images,
  ]);
}

/** Running containers by scaled service. */
export function countReplicas(
  services: Expected["services"],
  containers: readonly ProjectContainer[],
): Readonly<Record<string, number>> {
  const scaled = Object.entries(services).filter(([, plan]) => plan.scaled);
  const running = (name: string) =>
    containers.filter(({ service, status, oneOff }) => service === name && status === "running" && !oneOff)
      .length;
  return Object.fromEntries(scaled.map(([name]) => [name, running(name)]));
}

/** `api:8080` to `0.0.0.0:8080`; of several addresses the first. */
export function publishedPorts(containers: readonly ProjectContainer[]): Readonly<Record<string, string>> {
  const all = containers.flatMap(({ service, ports }) =>
    ports.map(({ inside, address, port }) => [`${service}:${inside}`, `${address}:${port}`] as const),
  );
  return Object.fromEntries(all.toReversed());
}
