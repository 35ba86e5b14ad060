import { type Command, InvalidArgumentError } from "commander";
import { API_VERBS, type ApiVerb } from "../../contract/api.ts";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Action } from "./command.ts";
import { age, wholeNumber } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

interface CreateOptions {
  readonly verbs: readonly ApiVerb[];
  readonly stream?: readonly string[];
  /** In ms. */
  readonly expires?: number;
  readonly rate?: number;
  readonly note: string;
  readonly json?: boolean;
}

function verbs(text: string): readonly ApiVerb[] {
  return text.split(",").map((word) => {
    const verb = API_VERBS.find((known) => known === word);
    if (verb === undefined) throw new InvalidArgumentError(`Give some of ${API_VERBS.join(", ")}.`);
    return verb;
  });
}

/** `api-key`: keys of the API. */
export function define(command: Command, ends: Action): void {
  const create = command
    .command("create")
    .description("make a key; it is printed once, and only its digest is kept")
    .option("--verbs <list>", "what it may do (default: everything)", verbs, API_VERBS)
    .option("--stream <name...>", "the streams that it may use (default: all that the API serves)")
    .option("--expires <age>", "how long it counts: 12h, 30d (default: for ever)", age)
    .option(
      "--rate <calls>",
      "its own number of pushes in a window; 0: any number",
      wholeNumber(0, 1_000_000),
    )
    .option("--note <text>", "whose it is", "")
    .option("--json", "one JSON object: id, key")
    .action((options: CreateOptions) => ends(createKey(options)));
  examples(create, [
    [
      "% api-key create --note ci --verbs tasks:push,tasks:read",
      "for a program that pushes and reads results",
    ],
    ["% api-key create --expires 30d --stream peagen.tasks", "for a month, one stream"],
  ]);
  const list = command
    .command("list")
    .description("ids of the keys and what they may do")
    .option("--json", "one JSON object a line")
    .action((options: { json?: boolean }) => ends(listKeys(options.json === true)));
  examples(list, [["% api-key list", "who may call"]]);
  const revoke = command
    .command("revoke")
    .description("end keys; a running API refuses them within a second")
    .argument("<id...>", "ids, as list prints them")
    .action((ids: string[]) => ends(revokeKeys(ids)));
  examples(revoke, [["% api-key revoke aB3dE6gH9jK2", "a key that leaked"]]);
  examples(command, [["% api-key create --note ci", "a key that may do everything"]]);
}

async function withKeys<T>(use: (keys: import("../adapters/redis/api-keys.ts").ApiKeys) => Promise<T>) {
  const { withSession } = await import("./session.ts");
  const { ApiKeys } = await import("../adapters/redis/api-keys.ts");
  return withSession({}, ({ redis }) => use(new ApiKeys(redis)));
}

async function createKey({
  verbs,
  stream = ["*"],
  expires,
  rate,
  note,
  json,
}: CreateOptions): Promise<number> {
  const now = Date.now();
  const made = await withKeys((keys) =>
    keys.create({
      ...{ streams: stream, verbs, created_at: now, note },
      ...(expires === undefined ? {} : { expires_at: now + expires }),
      ...(rate === undefined ? {} : { rate }),
    }),
  );
  process.stdout.write(json === true ? `${JSON.stringify(made)}\n` : `${made.key}\n`);
  if (json !== true) process.stderr.write(`key ${made.id}; it is not shown again\n`);
  return EXIT.ok;
}

async function listKeys(json: boolean): Promise<number> {
  const { table } = await import("./output/table.ts");
  const { oneLine } = await import("./output/terminal.ts");
  const found = await withKeys((keys) => keys.list());
  const date = (ms: number | undefined) => (ms === undefined ? "never" : new Date(ms).toISOString());
  const rows = found.map(({ id, streams, verbs, created_at, expires_at, note }) => [
    ...[id, streams.join(" "), verbs.length === API_VERBS.length ? "all" : verbs.join(" ")],
    ...[date(created_at), date(expires_at), oneLine(note, 40)],
  ]);
  const lines = found.map((key) => `${JSON.stringify(key)}\n`).join("");
  const head = ["id", "streams", "verbs", "made", "expires", "note"];
  process.stdout.write(json ? lines : rows.length === 0 ? "no keys\n" : table(head, rows));
  return EXIT.ok;
}

async function revokeKeys(ids: readonly string[]): Promise<number> {
  const gone = await withKeys((keys) => keys.revoke(ids));
  for (const id of ids) process.stdout.write(`${id}  ${gone.includes(id) ? "revoked" : "no such key"}\n`);
  return gone.length === ids.length ? EXIT.ok : EXIT.failed;
}
