import { KIND, type KindLimits, LIMIT_BOUNDS, limitsProblem } from "../../contract/kind-limits.ts";
import { newAjv } from "../core/json-schema.ts";
import type { Handler } from "../handler.ts";

const ISOLATIONS = ["event-loop", "thread"];

function shown(value: unknown): string {
  return value === undefined ? "missing" : (JSON.stringify(value)?.slice(0, 80) ?? typeof value);
}

function schemaProblem(schema: unknown): string | undefined {
  if (typeof schema !== "object" || schema === null) {
    return `payload is ${shown(schema)}; allowed: a JSON Schema, such as Type.Object({...})`;
  }
  try {
    newAjv().compile(schema);
    return undefined;
  } catch (error) {
    return `payload is no JSON Schema of draft-07 or 2019-09: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function limitProblem(name: string, value: unknown, check: (n: number) => boolean): string | undefined {
  if (value === undefined || (typeof value === "number" && check(value))) return undefined;
  return `${name} is ${shown(value)}; allowed: a positive number, or leave it out`;
}

const LIMIT_FIELDS = {
  concurrency: LIMIT_BOUNDS.concurrency,
  "rate.tasks": LIMIT_BOUNDS.tasks,
  "rate.perMs": LIMIT_BOUNDS.perMs,
} as const;

function kindLimitsProblem(limits: unknown): string | undefined {
  if (limits === undefined) return undefined;
  const forms = "{ concurrency?: number, rate?: { tasks: number, perMs: number } }, or leave it out";
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  const { rate } = (limits ?? {}) as { rate?: unknown };
  if (!isObject(limits) || (rate !== undefined && !isObject(rate))) {
    return `limits is ${shown(limits)}; allowed: ${forms}`;
  }
  const field = limitsProblem(limits as KindLimits);
  if (field === undefined) return undefined;
  const { min, max } = LIMIT_FIELDS[field];
  return `limits.${field} is wrong in ${shown(limits)}; allowed: a whole number from ${min} to ${max}`;
}

const SECRET_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

function requiresProblem(requires: unknown): string | undefined {
  if (requires === undefined) return undefined;
  const isList = (list: unknown, fits: (item: string) => boolean) =>
    list === undefined ||
    (Array.isArray(list) && list.every((item) => typeof item === "string" && fits(item)));
  const { secrets, files, ...others } = (typeof requires === "object" ? (requires ?? {}) : { requires }) as {
    secrets?: unknown;
    files?: unknown;
  };
  const fits =
    requires !== null &&
    Object.keys(others).length === 0 &&
    isList(secrets, (name) => SECRET_NAME.test(name)) &&
    isList(files, (path) => path !== "");
  if (fits) return undefined;
  const forms = '{ secrets?: ["OPENAI_API_KEY", ...], files?: ["model.json", ...] }, or leave it out';
  return `requires is ${shown(requires)}; allowed: ${forms}`;
}

/** What keeps this value, a module's export, from being a handler; empty when it is one. */
export function handlerProblems(candidate: unknown): string[] {
  if (typeof candidate !== "object" || candidate === null) {
    return [`exports ${shown(candidate)}; allowed: a handler (see defineHandler) or an array of them`];
  }
  const handler = candidate as Partial<Record<keyof Handler, unknown>>;
  const checks = [
    typeof handler.kind === "string" && KIND.test(handler.kind)
      ? undefined
      : `kind is ${shown(handler.kind)}; allowed: 1 to 64 characters of a-z A-Z 0-9 . _ -`,
    typeof handler.version === "string" && handler.version !== ""
      ? undefined
      : `version is ${shown(handler.version)}; allowed: text such as "1.0.0"`,
    typeof handler.description === "string"
      ? undefined
      : `description is ${shown(handler.description)}; allowed: text`,
    schemaProblem(handler.payload),
    limitProblem("timeoutMs", handler.timeoutMs, (n) => n > 0),
    limitProblem("maxAttempts", handler.maxAttempts, (n) => Number.isInteger(n) && n > 0),
    handler.isolation === undefined || ISOLATIONS.includes(String(handler.isolation))
      ? undefined
      : `isolation is ${shown(handler.isolation)}; allowed: ${ISOLATIONS.join(", ")}`,
    kindLimitsProblem(handler.limits),
    requiresProblem(handler.requires),
    typeof handler.run === "function" ? undefined : `run is ${shown(handler.run)}; allowed: a function`,
  ];
  return checks.filter((problem) => problem !== undefined);
}
