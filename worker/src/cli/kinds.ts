import type { Command } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import type { PublishedKind } from "../../contract/records.ts";
import type { Action } from "./command.ts";
import { STREAM } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

interface Options {
  readonly schema?: boolean;
  readonly folder?: string;
  readonly json?: boolean;
  readonly stream?: string;
}

/** `kinds`: what the fleet runs. */
export function define(command: Command, ends: Action): void {
  command
    .argument("[kind...]", "only these")
    .option("--schema", "the payload's JSON Schema too")
    .option("--folder <path>", "what a fleet with this handlers folder would run, or what is wrong with it")
    .option(...STREAM)
    .option("--json", "one JSON object a line, schemas included")
    .action((names: string[], options: Options) => ends(run(names, options)));
  examples(command, [
    ["% kinds", "names, versions, what they do"],
    ["% kinds execute --schema", "what a payload must look like"],
    ["% kinds --folder ./handlers", "check handlers of your own; needs no fleet"],
  ]);
}

async function run(names: readonly string[], options: Options): Promise<number> {
  if (options.folder !== undefined) {
    const { loadHandlers } = await import("../handlers/load-handlers.ts");
    return show(await loadHandlers({ folder: options.folder }), names, options);
  }
  const { withSession } = await import("./session.ts");
  const { publishedKinds } = await import("./published-kinds.ts");
  return withSession(options, async (session) => show(await publishedKinds(session), names, options));
}

async function show(
  known: ReadonlyMap<string, PublishedKind>,
  names: readonly string[],
  options: Options,
): Promise<number> {
  const { table } = await import("./output/table.ts");
  const { UnknownKindError } = await import("../core/errors.ts");
  for (const name of names) if (!known.has(name)) throw new UnknownKindError(name, [...known.keys()]);
  const kinds = [...known.values()]
    .filter(({ kind }) => names.length === 0 || names.includes(kind))
    .map(({ kind, version, description, payload }) => ({ kind, version, description, payload }))
    .sort((a, b) => (a.kind < b.kind ? -1 : 1));
  if (options.json === true) for (const kind of kinds) process.stdout.write(`${JSON.stringify(kind)}\n`);
  else if (options.schema === true)
    for (const { kind, version, description, payload } of kinds)
      process.stdout.write(`${kind} ${version}: ${description}\n${JSON.stringify(payload, undefined, 2)}\n`);
  else {
    const rows = kinds.map(({ kind, version, description }) => [kind, version, description]);
    process.stdout.write(table(["kind", "version", "what it does"], rows));
  }
  return EXIT.ok;
}
