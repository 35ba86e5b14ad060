import type { Command } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Action } from "./command.ts";
import { STREAM } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

interface Options {
  readonly schema?: boolean;
  readonly json?: boolean;
  readonly stream?: string;
}

/** `kinds`: what the fleet runs. */
export function define(command: Command, ends: Action): void {
  command
    .argument("[kind...]", "only these")
    .option("--schema", "the payload's JSON Schema too")
    .option(...STREAM)
    .option("--json", "one JSON object a line, schemas included")
    .action((names: string[], options: Options) => ends(run(names, options)));
  examples(command, [
    ["% kinds", "names, versions, what they do"],
    ["% kinds execute --schema", "what a payload must look like"],
  ]);
}

async function run(names: readonly string[], options: Options): Promise<number> {
  const { withSession } = await import("./session.ts");
  const { publishedKinds } = await import("./published-kinds.ts");
  const { table } = await import("./output/table.ts");
  const { UnknownKindError } = await import("../core/errors.ts");
  return withSession(options, async (session) => {
    const published = await publishedKinds(session);
    for (const name of names)
      if (!published.has(name)) throw new UnknownKindError(name, [...published.keys()]);
    const kinds = [...published.values()]
      .filter(({ kind }) => names.length === 0 || names.includes(kind))
      .sort((a, b) => (a.kind < b.kind ? -1 : 1));
    if (options.json === true) for (const kind of kinds) process.stdout.write(`${JSON.stringify(kind)}\n`);
    else if (options.schema === true)
      for (const { kind, version, description, payload } of kinds)
        process.stdout.write(
          `${kind} ${version}: ${description}\n${JSON.stringify(payload, undefined, 2)}\n`,
        );
    else {
      const rows = kinds.map(({ kind, version, description }) => [kind, version, description]);
      process.stdout.write(table(["kind", "version", "what it does"], rows));
    }
    return EXIT.ok;
  });
}
