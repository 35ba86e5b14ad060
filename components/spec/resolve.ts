import { ALLOWED_HOST_FORM, parseAllowedHost } from "../../worker/contract/allowed-host.ts";
import type { LimitsByKind } from "../../worker/contract/kind-limits.ts";
import { PRESETS, SETTINGS } from "../../worker/contract/settings.ts";
import { DEFAULTS, type PresetName, settingDefault, TARGET_DEFAULTS, type TargetName } from "./defaults.ts";
import { demandsOf } from "./demands.ts";
import { SpecError, type SpecProblem } from "./errors.ts";
import type { Demand } from "./features.ts";
import { type ResolvedDelivery, resolveDelivery } from "./resolve-delivery.ts";
import { type ResolvedExecute, resolveExecute } from "./resolve-execute.ts";
import { resolveLimits } from "./resolve-limits.ts";
import { type ResolvedObservability, resolveObservability } from "./resolve-observability.ts";
import {
  type ResolvedApi,
  type ResolvedBackup,
  type ResolvedDatabase,
  resolveApi,
  resolveBackup,
  resolveDatabase,
  resolvePort,
} from "./resolve-record.ts";
import { type ResolvedSecrets, resolveSecrets } from "./resolve-secrets.ts";
import { type ResolvedSecurity, resolveSecurity } from "./resolve-security.ts";
import {
  type ResolvedHistory,
  type ResolvedTracing,
  resolveHistory,
  resolveTracing,
} from "./resolve-tracing.ts";
import { isRecord, Section } from "./section.ts";
import {
  CIRCUIT_FIELDS,
  LOGGING_FIELDS,
  type ResolvedSection,
  SCALING_FIELDS,
  WORKER_FIELDS,
} from "./setting-fields.ts";

/** A worker class with all that is its own. The first one is always `default`. */
export interface ResolvedClass {
  readonly name: string;
  readonly stream: string;
  readonly gpu: number;
  readonly worker: ResolvedSection<typeof WORKER_FIELDS>;
  readonly scaling: ResolvedSection<typeof SCALING_FIELDS>;
}

/** This port and no other, or this one where it is free and else the next free one. */
export interface PortChoice {
  readonly kind: "demanded" | "preferred";
  readonly port: number;
}

/** A spec with nothing left open: durations in seconds, sizes in bytes, frozen. */
export interface ResolvedFleet {
  readonly name: string;
  /** Folder of handler modules as written; empty for none. */
  readonly handlers: string;
  /** Name of the workers' service, where the target has services. */
  readonly service: string;
  readonly delivery: ResolvedDelivery;
  readonly limits: LimitsByKind;
  readonly circuit: ResolvedSection<typeof CIRCUIT_FIELDS>;
  readonly logging: ResolvedSection<typeof LOGGING_FIELDS>;
  readonly tracing: ResolvedTracing;
  readonly history: ResolvedHistory;
  readonly classes: readonly [ResolvedClass, ...ResolvedClass[]];
  readonly redis: { readonly port: PortChoice; readonly maxMemory: number };
  readonly recordRuns: boolean;
  readonly database: ResolvedDatabase;
  readonly api: ResolvedApi;
  readonly backup: ResolvedBackup;
  readonly observability: ResolvedObservability;
  readonly execute: ResolvedExecute;
  readonly http: { readonly allow: readonly string[] };
  readonly secrets: ResolvedSecrets;
  readonly security: ResolvedSecurity;
  /** What the spec insists on and a target may be unable to do, less what it accepts without. */
  readonly demands: readonly Demand[];
}

const NAME = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const CLASS_NAME = /^(?!default$)[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const NAME_FORM = "1 to 40 lower-case letters, digits and hyphens, a letter first";
/** The class that has no name in the spec: the fleet's own `worker` and `scaling`. */
export const DEFAULT_CLASS = "default";
const SERVICE = /^[a-z](?:[a-z0-9_-]{0,38}[a-z0-9])?$/;
/** One path for a folder on every system; control characters have no place in a path. */
const FOLDER = /^[^\p{Cc}]{1,1024}$/u;

type WorkerSection = ResolvedSection<typeof WORKER_FIELDS>;

const isPreset = (value: unknown): value is PresetName => typeof value === "string" && value in PRESETS;

/** `base`: the fleet's own figures where a class is read; a preset of the class's own counts before them. */
function resolveWorker(section: Section, base?: WorkerSection): WorkerSection {
  const asked = section.raw("preset");
  const preset: PresetName = isPreset(asked) ? asked : "default";
  const inherited: Readonly<Record<string, unknown>> | undefined = isPreset(asked) ? undefined : base;
  const worker = section.settings(WORKER_FIELDS, (name, field) => {
    if (field === "preset") return inherited?.[field] ?? preset;
    return inherited === undefined ? settingDefault(name, preset) : inherited[field];
  });
  section.finish();
  return worker;
}

function resolveScaling(section: Section, base?: ResolvedClass["scaling"]): ResolvedClass["scaling"] {
  const inherited: Readonly<Record<string, unknown>> | undefined = base;
  const scaling = section.settings(SCALING_FIELDS, (name, field) =>
    inherited === undefined ? SETTINGS[name].default : inherited[field],
  );
  section.inOrder(["min", scaling.min], ["max", scaling.max], String);
  section.finish();
  return scaling;
}

function resolveCircuit(section: Section): ResolvedFleet["circuit"] {
  const circuit = section.settings(CIRCUIT_FIELDS, (name) => SETTINGS[name].default);
  section.finish();
  return circuit;
}

function resolveLogging(section: Section): ResolvedFleet["logging"] {
  const logging = section.settings(LOGGING_FIELDS, (name) => SETTINGS[name].default);
  section.finish();
  return logging;
}

function resolveClasses(root: Section, own: Section, name: string): ResolvedFleet["classes"] {
  const worker = resolveWorker(own);
  const scaling = resolveScaling(root.section("scaling"));
  const first: ResolvedClass = {
    name: DEFAULT_CLASS,
    stream: `${name}.tasks`,
    gpu: DEFAULTS.gpu,
    worker,
    scaling,
  };
  const others = root.sections("classes", CLASS_NAME, `${NAME_FORM}, other than "${DEFAULT_CLASS}"`);
  const rest = others.map(([own, section]): ResolvedClass => {
    const resolved = {
      name: own,
      stream: `${name}.tasks.${own}`,
      gpu: section.number("gpu", { min: 0, max: 64, unit: "count", whole: true }, DEFAULTS.gpu),
      worker: resolveWorker(section.section("worker"), worker),
      scaling: resolveScaling(section.section("scaling"), scaling),
    };
    section.finish();
    return Object.freeze(resolved);
  });
  return Object.freeze([Object.freeze(first), ...rest] as const);
}

function resolveRedis(section: Section): ResolvedFleet["redis"] {
  const sizes = { min: 16 * 1024 ** 2, max: 1024 ** 4, unit: "bytes", whole: true } as const;
  const maxMemory = section.number("maxMemory", sizes, DEFAULTS.redisMaxMemory);
  const port = resolvePort(section, DEFAULTS.redisPort);
  section.finish();
  return Object.freeze({ port, maxMemory });
}

function resolveHttp(section: Section): ResolvedFleet["http"] {
  const fits = (entry: string) => parseAllowedHost(entry) !== undefined;
  const http = Object.freeze({ allow: section.texts("allow", fits, `a list of ${ALLOWED_HOST_FORM}`) });
  section.finish();
  return http;
}

/** `written` over `below`, field by field; anything but an object replaces. */
function layered(below: unknown, written: unknown): unknown {
  if (!isRecord(below) || !isRecord(written)) return written === undefined ? below : written;
  const keys = new Set([...Object.keys(below), ...Object.keys(written)]);
  return Object.fromEntries([...keys].map((key) => [key, layered(below[key], written[key])]));
}

/**
 * Validates what a user wrote, fills in what is left out (the target's own defaults first) and freezes it.
 * Throws `SpecError` with every problem at once.
 */
export function resolveFleet(written: unknown, target: TargetName): ResolvedFleet {
  const problems: SpecProblem[] = [];
  const root = new Section("", layered(TARGET_DEFAULTS[target], written), problems);
  const name = root.text("name", NAME, NAME_FORM, DEFAULTS.name);
  const worker = root.section("worker");
  const service = worker.text(
    "service",
    SERVICE,
    "1 to 40 lower-case letters, digits, - and _, a letter first",
    DEFAULTS.workerService,
  );
  const classes = resolveClasses(root, worker, name);
  const execute = resolveExecute(root.section("execute"));
  const security = resolveSecurity(root.section("security"));
  const fleet: Omit<ResolvedFleet, "demands"> = {
    name,
    handlers: root.text("handlers", FOLDER, "the path of a folder", DEFAULTS.handlers),
    service,
    delivery: resolveDelivery(root.section("delivery")),
    limits: resolveLimits(root),
    circuit: resolveCircuit(root.section("circuit")),
    logging: resolveLogging(root.section("logging")),
    tracing: resolveTracing(root.section("tracing")),
    history: resolveHistory(root.section("history")),
    classes,
    redis: resolveRedis(root.section("redis")),
    recordRuns: root.flag("recordRuns", DEFAULTS.recordRuns),
    database: resolveDatabase(root.section("database")),
    api: resolveApi(root.section("api")),
    backup: resolveBackup(root.section("backup")),
    observability: resolveObservability(root.section("observability")),
    execute,
    http: resolveHttp(root.section("http")),
    secrets: resolveSecrets(root.section("secrets")),
    security,
  };
  root.finish();
  if (problems.length > 0) throw new SpecError(problems);
  return Object.freeze({ ...fleet, demands: demandsOf(fleet) });
}
