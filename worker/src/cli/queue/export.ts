import { EXIT } from "../../../contract/exit-codes.ts";
import { DeadLetters } from "../../adapters/redis/dead-letters.ts";
import { drained } from "../output/drain.ts";
import { withSession } from "../session.ts";
import type { ExportOptions } from "./dlq.ts";

/** `queue dlq export`: a `DeadLetterExport` on standard output, one dead letter a line. */
export function exportLetters({ stream, ...filter }: ExportOptions): Promise<number> {
  return withSession(stream === undefined ? {} : { stream }, async (session) => {
    const dead = new DeadLetters(session.redis, session.stream);
    process.stdout.write(`${JSON.stringify(dead.exportHead()).slice(0, -1)},"tasks":[`);
    let separator = "\n";
    for await (const page of dead.pages(filter)) {
      process.stdout.write(separator + page.map((letter) => JSON.stringify(letter)).join(",\n"));
      separator = ",\n";
      await drained(process.stdout);
    }
    process.stdout.write("\n]}\n");
    return EXIT.ok;
  });
}
