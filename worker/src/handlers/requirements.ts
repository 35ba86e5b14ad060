/** What handlers require to be there, and what of it is not. */
import { access } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoadedHandler } from "./load-handlers.ts";

type Requiring = Pick<LoadedHandler, "kind" | "source" | "requires">;

/** `the handler "llm" needs it`, `the handlers "llm", "search" need it` */
function whoNeeds(kinds: readonly string[]): string {
  const named = kinds.map((kind) => `"${kind}"`).join(", ");
  return kinds.length === 1 ? `the handler ${named} needs it` : `the handlers ${named} need it`;
}

/** What is required, with the kinds that do, in the order of the handlers. */
function byNeed(
  handlers: readonly Requiring[],
  list: (handler: Requiring) => readonly string[],
): Map<string, string[]> {
  const needs = new Map<string, string[]>();
  for (const handler of handlers)
    for (const need of list(handler)) needs.set(need, [...(needs.get(need) ?? []), handler.kind]);
  return needs;
}

/** Names of all secrets that these handlers require. */
export function requiredSecrets(handlers: readonly Requiring[]): readonly string[] {
  return [...byNeed(handlers, ({ requires }) => requires?.secrets ?? []).keys()];
}

/** A line for each required secret that `get` does not know. */
export function missingSecrets(
  handlers: readonly Requiring[],
  get: (name: string) => string | undefined,
): readonly string[] {
  const needs = [...byNeed(handlers, ({ requires }) => requires?.secrets ?? [])];
  return needs
    .filter(([name]) => get(name) === undefined)
    .map(
      ([name, kinds]) =>
        `the secret ${name} is not set; ${whoNeeds(kinds)}. Set ${name} or ${name}_FILE, or name a source that has ` +
        "it in TASKFLEET_SECRET_SOURCES.",
    );
}

function pathsOf({ source, requires }: Requiring): readonly string[] {
  const folder = source.startsWith("file:") ? dirname(fileURLToPath(source)) : ".";
  return (requires?.files ?? []).map((path) => resolve(folder, path));
}

/** A line for each required file that this process cannot read. */
export async function missingFiles(handlers: readonly Requiring[]): Promise<readonly string[]> {
  const needs = [...byNeed(handlers, pathsOf)];
  const lines = await Promise.all(
    needs.map(([path, kinds]) =>
      access(path, 4).then(
        () => undefined,
        (error: NodeJS.ErrnoException) =>
          `the file ${path} cannot be read (${error.code}); ${whoNeeds(kinds)}. Build it before the start: nothing is ` +
          "made while tasks run.",
      ),
    ),
  );
  return lines.filter((line) => line !== undefined);
}
