import { EXIT } from "../../../contract/exit-codes.ts";
import { DeadLetters } from "../../adapters/redis/dead-letters.ts";
import { table } from "../output/table.ts";
import { oneLine } from "../output/terminal.ts";
import { formatDuration } from "../output/units.ts";
import { withSession } from "../session.ts";
import type { ListOptions } from "./dlq.ts";

/** `queue dlq list`. */
export function listLetters(options: ListOptions): Promise<number> {
  const { kind, cluster, limit } = options;
  return withSession(options, async ({ redis, stream }) => {
    const letters = await new DeadLetters(redis, stream).list({ kind, cluster, limit });
    if (options.json === true) {
      for (const letter of letters) process.stdout.write(`${JSON.stringify(letter)}\n`);
      return EXIT.ok;
    }
    const now = Date.now();
    const rows = letters.map((letter) => [
      letter.id,
      letter.kind,
      String(letter.attempts),
      `${formatDuration(now - letter.buried_at)} ago`,
      oneLine(letter.message, 80),
    ]);
    process.stdout.write(
      rows.length === 0
        ? "no dead letters\n"
        : table(["id", "kind", "runs", "buried", "why"], rows, { right: [2, 3] }),
    );
    return EXIT.ok;
  });
}
