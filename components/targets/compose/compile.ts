import type { ProjectFile } from "../../platform/project-file.ts";
import { SpecError } from "../../spec/errors.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import { withResultDirectory } from "../../spec/to-environment.ts";
import { formatDuration } from "../../spec/units.ts";
import { refuseUnsupported } from "../capabilities.ts";
import { REFERENCES } from "../references.ts";
import type { Target } from "../target.ts";
import { apiServices } from "./compile-api.ts";
import { backupServices } from "./compile-backup.ts";
import {
  logged,
  observabilityProjectFiles,
  observabilitySecrets,
  observingServices,
} from "./compile-observability.ts";
import { classServices, EXIT_MARGIN_SECONDS, redisFiles, redisService } from "./compile-queue.ts";
import { recordAccess, recordFiles, recordSecrets, recordServices } from "./compile-record.ts";
import { watchService } from "./compile-watch.ts";
import type { ComposeContext } from "./context.ts";
import type { ComposeDocument, ComposeServicePlan } from "./document.ts";
import { NETWORK, PATH, SECRET, type SecretName } from "./names.ts";
import { serviceNames } from "./parts.ts";
import type { NamedService } from "./service.ts";
import { composeYaml } from "./to-yaml.ts";

/** After a crash Redis and PostgreSQL read their data first. */
const READY_SECONDS = 300;

const ABOUT = `Written by taskfleet: a change by hand is undone by the next pulumi up.
Values that differ by host are in .env; WORKER_* may be set there or in the shell.`;

const NETWORKS = {
  [NETWORK.queue]: {
    about: "Redis, PostgreSQL and who talks to them; no way out.",
    definition: { internal: true },
  },
  [NETWORK.monitoring]: {
    about: "Who is scraped, and who scrapes; no way out.",
    definition: { internal: true },
  },
  [NETWORK.egress]: { about: "The way out, for workers and what has a server elsewhere.", definition: {} },
  [NETWORK.front]: {
    about: "The way in to published ports; without masquerading there is none out.",
    definition: { driver_opts: { "com.docker.network.bridge.enable_ip_masquerade": "false" } },
  },
} as const;

/** Files of secrets: their folder keeps others of the host out, and containers of other users read through mounts. */
const SECRET_MODE = "0444";

function secretsOf(
  fleet: ResolvedFleet,
  context: ComposeContext,
): Partial<Readonly<Record<SecretName, string>>> {
  return {
    [SECRET.redisPassword]: REFERENCES.redisPassword,
    ...(fleet.api.enabled ? { [SECRET.apiKey]: REFERENCES.apiKey } : {}),
    ...recordSecrets(fleet, context),
    ...observabilitySecrets(fleet),
    ...(context.hasSecrets ? { [SECRET.handlers]: REFERENCES.handlerSecrets } : {}),
  };
}

/** The provider adds what only the engine's host knows: images, the project's folder, the engine's socket. */
const ENV_FILE = "# Written by taskfleet. WORKER_* may be added.\n";

function lostTasks({ delivery: { lease, sweepInterval } }: ResolvedFleet): string {
  // In whole ms, so that 1.1 and 2.2 add up to 3.3.
  const atMost = Math.round((lease + sweepInterval) * 1000) / 1000;
  const parts = `lease ${formatDuration(lease)} + sweep ${formatDuration(sweepInterval)}`;
  return `taken back within ${formatDuration(atMost)} (${parts})`;
}

/** A class and a service's name may make up another's. */
function refuseTwins(fleet: ResolvedFleet, services: readonly NamedService[]): void {
  const names = services.map(({ name }) => name);
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin === undefined) return;
  throw new SpecError([
    {
      path: "worker.service",
      received: JSON.stringify(fleet.service),
      allowed: `a name by which no two services are called ${twin}`,
      wayOut: "Choose another, or rename the class.",
    },
  ]);
}

function plan(services: readonly NamedService[], fleet: ResolvedFleet): readonly ComposeServicePlan[] {
  const workers = fleet.classes.map((one) => serviceNames(fleet, one).worker);
  return services.map(({ name, service }) => ({
    name,
    scaled: workers.includes(name),
    interpolated: Object.values(service.environment ?? {}).some((value) => value.includes("${WORKER_")),
    replicas: workers.includes(name) ? 0 : (service.deploy.replicas ?? 1),
  }));
}

function allServices(fleet: ResolvedFleet, context: ComposeContext): readonly NamedService[] {
  const record = recordAccess(fleet, context);
  const services = [
    ...fleet.classes.flatMap((one) => classServices(fleet, one, context, record)),
    watchService(fleet, context),
    ...apiServices(fleet, record),
    redisService(fleet, context),
    ...recordServices(fleet, context),
    ...backupServices(fleet, context),
    ...observingServices(fleet, context),
  ];
  return logged(services, fleet);
}

function volumesOf(services: readonly NamedService[]): readonly string[] {
  const mounts = services.flatMap(({ service }) => service.volumes ?? []);
  return [...new Set(mounts.filter(({ type }) => type === "volume").map(({ source }) => source))];
}

/** The fleet as a Compose project: its files, and what the provider has to know of its services. */
export const compose: Target<ComposeContext, ComposeDocument> = {
  name: "compose",
  compile(written, context) {
    const fleet = withResultDirectory(written, PATH.results);
    refuseUnsupported(fleet, "compose");
    const services = allServices(fleet, context);
    refuseTwins(fleet, services);
    const secrets = Object.entries(secretsOf(fleet, context));
    const yaml = composeYaml({
      about: ABOUT,
      name: context.project,
      services,
      networks: NETWORKS,
      volumes: volumesOf(services),
      secrets: Object.fromEntries(secrets.map(([name]) => [name, { file: `./secrets/${name}` }])),
    });
    const files: readonly ProjectFile[] = [
      { path: "compose.yaml", content: yaml, mode: "0644" },
      { path: ".env", content: ENV_FILE, mode: "0644" },
      ...redisFiles(fleet),
      ...recordFiles(fleet, context),
      ...observabilityProjectFiles(fleet),
      ...secrets.map(([name, content]) => ({ path: `secrets/${name}`, content, mode: SECRET_MODE })),
    ];
    const longestStop = Math.max(...fleet.classes.map(({ worker }) => worker.gracefulShutdownTimeout));
    return {
      project: context.project,
      files,
      services: plan(services, fleet),
      readySeconds: READY_SECONDS,
      stopSeconds: longestStop + EXIT_MARGIN_SECONDS,
      lostTasks: lostTasks(fleet),
    };
  },
};
