/**
 * The handlers that a role knows: the bundled ones and those of the handlers folder. A module of the folder is
 * a `.ts .mts .js .mjs` file directly in it, with one handler or an array of them as its default export.
 */
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Handler } from "../handler.ts";
import { handlerProblems } from "./check-handler.ts";
import { executeHandler } from "./execute.ts";
import { type HandlerProblem, HandlersError } from "./handlers-error.ts";
import { httpHandler } from "./http.ts";
import { serveOwnPackage } from "./own-package.ts";

/** A checked handler that knows where it came from. */
export interface LoadedHandler extends Handler {
  readonly isolation: "event-loop" | "thread";
  /** URL of its module, or `bundled`. */
  readonly source: string;
}

/** Where a handler came from, for people and for a thread that loads it again. */
interface Candidate {
  readonly file: string;
  readonly source: string;
  readonly value: unknown;
}

export const BUNDLED = "bundled";
const MODULE = /(?<!\.d)\.(ts|mts|js|mjs)$/;

function failure(file: string, message: string): HandlersError {
  return new HandlersError([{ file, message }]);
}

async function moduleFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const files = entries.filter((entry) => !entry.isDirectory() && MODULE.test(entry.name));
    return files.map(({ name }) => join(folder, name)).sort();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw failure(
      folder,
      `the folder cannot be read (${code}); TASKFLEET_HANDLERS must name a folder of modules`,
    );
  }
}

async function exportsOf(file: string): Promise<Candidate[]> {
  const source = pathToFileURL(file).href;
  const { default: exported } = (await import(source)) as { default?: unknown };
  const values = Array.isArray(exported) ? exported : [exported];
  return values.map((value: unknown) => ({ file, source, value }));
}

function bind(handler: Handler, source: string): LoadedHandler {
  const run: Handler["run"] = (payload, context) => handler.run(payload, context);
  return Object.freeze({ ...handler, run, isolation: handler.isolation ?? "event-loop", source });
}

async function readFolder(folder: string, problems: HandlerProblem[]): Promise<Candidate[]> {
  const found: Candidate[] = [];
  serveOwnPackage();
  for (const file of await moduleFiles(resolve(folder))) {
    try {
      found.push(...(await exportsOf(file)));
    } catch (error) {
      problems.push({
        file,
        message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      });
    }
  }
  return found;
}

/**
 * Loads and checks all handlers, by kind. `folder`: "" for the bundled ones only; `httpAllow`: hosts that the
 * handler `http` may call without TLS and at private addresses, default none.
 * @throws HandlersError with every problem of every file at once.
 */
export async function loadHandlers({
  folder,
  execute = executeHandler,
  httpAllow = [],
}: {
  readonly folder: string;
  /** The bundled handler, with what the worker brings along for it. */
  readonly execute?: typeof executeHandler;
  readonly httpAllow?: readonly string[];
}): Promise<ReadonlyMap<string, LoadedHandler>> {
  const problems: HandlerProblem[] = [];
  const bundled = [execute, httpHandler({ allow: httpAllow })];
  const candidates: Candidate[] = bundled.map((value) => ({ file: BUNDLED, source: BUNDLED, value }));
  if (folder !== "") candidates.push(...(await readFolder(folder, problems)));
  const handlers = new Map<string, LoadedHandler>();
  const files = new Map<string, string>();
  for (const { file, source, value } of candidates) {
    const wrong = handlerProblems(value);
    problems.push(...wrong.map((message) => ({ file, message })));
    if (wrong.length > 0) continue;
    const handler = bind(value as Handler, source);
    const other = files.get(handler.kind);
    if (other !== undefined) {
      problems.push({ file, message: `kind "${handler.kind}" is already that of ${other}; give it another` });
      continue;
    }
    handlers.set(handler.kind, handler);
    files.set(handler.kind, file);
  }
  if (problems.length > 0) throw new HandlersError(problems, [...handlers.values()]);
  return handlers;
}
