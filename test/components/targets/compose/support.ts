import { parse } from "yaml";
import type { FleetSpec } from "../../../../components/spec/fleet-spec.ts";
import { resolveFleet } from "../../../../components/spec/resolve.ts";
import { compose } from "../../../../components/targets/compose/compile.ts";
import type { ComposeContext } from "../../../../components/targets/compose/context.ts";
import type { ComposeDocument } from "../../../../components/targets/compose/document.ts";
import type { ComposeService } from "../../../../components/targets/compose/service.ts";

/** What tests of the target `compose` compile with. */
export const CONTEXT: ComposeContext = {
  project: "peagen",
  images: {
    redis: "redis:test",
    postgres: "postgres:test",
    redisExporter: "redis-exporter:test",
    prometheus: "prometheus:test",
    alertmanager: "alertmanager:test",
    grafana: "grafana:test",
    loki: "loki:test",
    alloy: "alloy:test",
  },
  handlers: null,
  hasSecrets: false,
  outsideDatabase: null,
};

/** A `compose.yaml`, as a program reads it. */
export interface ParsedProject {
  readonly name: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

export function compiled(spec: FleetSpec = {}, context: Partial<ComposeContext> = {}): ComposeDocument {
  return compose.compile(resolveFleet(spec, "compose"), { ...CONTEXT, ...context });
}

export function fileOf({ files }: ComposeDocument, path: string): string {
  const file = files.find((one) => one.path === path);
  if (file === undefined)
    throw new Error(`the project has no ${path}: ${files.map((one) => one.path).join(", ")}`);
  return file.content;
}

export const parsed = (document: ComposeDocument): ParsedProject => parse(fileOf(document, "compose.yaml"));

/** The services of a spec by name. */
export function servicesOf(
  spec: FleetSpec = {},
  context: Partial<ComposeContext> = {},
): ParsedProject["services"] {
  return parsed(compiled(spec, context)).services;
}

/** The service of this name. */
export function serviceOf(
  name: string,
  spec: FleetSpec = {},
  context: Partial<ComposeContext> = {},
): ComposeService {
  const services = servicesOf(spec, context);
  const found = services[name];
  if (found === undefined) throw new Error(`there is no ${name}: ${Object.keys(services).join(", ")}`);
  return found;
}

/** Specs that differ in what services there are and how they are wired. */
export const EXAMPLES: Readonly<Record<string, readonly [FleetSpec, Partial<ComposeContext>]>> = {
  defaults: [{}, {}],
  "no record": [{ recordRuns: false }, {}],
  "no API, no backups, nothing that watches": [
    { api: { enabled: false }, backup: { enabled: false }, observability: { enabled: false } },
    {},
  ],
  "no Grafana, no logs": [{ observability: { grafana: false, logs: false } }, {}],
  "classes, a GPU, another name": [
    {
      worker: { service: "nova_worker" },
      classes: { gpu: { gpu: 2, worker: { concurrency: 1 } }, bulk: { scaling: { max: 4 } } },
    },
    {},
  ],
  "handlers and secrets": [
    { handlers: "handlers", secrets: { sources: ["vault:kv/app"] } },
    { handlers: { directory: "/srv/my handlers", digest: "abc" }, hasSecrets: true },
  ],
  "a database elsewhere": [
    { tracing: { enabled: true, otlpEndpoint: "http://collector:4318" } },
    { outsideDatabase: ["databaseUrl", "databaseBackupUrl"] },
  ],
  "a restore, and folders of the host": [
    {
      backup: { restore: "20261128T093000Z", directory: "/srv/backups" },
      delivery: { results: "fs", resultDirectory: "/srv/results" },
    },
    {},
  ],
  "dollars and spaces": [
    { http: { allow: ["host.internal:8080"] }, execute: { readable: ["/opt/$a b"] } },
    {},
  ],
  "confined less": [
    {
      security: {
        uid: 1234,
        readOnlyRoot: false,
        noNewPrivileges: false,
        dropCapabilities: "none",
        seccomp: "unconfined",
      },
      observability: { alertWebhook: "http://alerts.internal/hook" },
    },
    {},
  ],
};

/** The services of one of the examples. */
export function example(name: string): ParsedProject {
  return parsed(compiled(...specOf(name)));
}

export function specOf(name: string): readonly [FleetSpec, Partial<ComposeContext>] {
  const found = EXAMPLES[name];
  if (found === undefined) throw new Error(`there is no example ${name}`);
  return found;
}

/** `${text}`, as Compose fills it in. */
export const filledIn = (text: string) => `\${${text}}`;
