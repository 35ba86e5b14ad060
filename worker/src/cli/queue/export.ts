import { EXIT } from "../../../contract/exit-codes.ts";
import { DeadLetters } from "../../adapters/redis/dead-letters.ts";
import { withSession } from "../session.ts";
import type { ExportOptions } from "./dlq.ts";

/** `queue dlq export`: a `DeadLetterExport` on standard output, one dead letter a line. */
export function exportLetters({ kind, stream }: ExportOptions): Promise<number> {
  return withSession(stream === undefined ? {} : { stream }, async (session) => {
    const dead = new DeadLetters(session.redis, session.stream);
    const { tasks, ...head } = await dead.export(kind === undefined ? {} : { kind });
    process.stdout.write(`${JSON.stringify(head).slice(0, -1)},"tasks":[`);
    tasks.forEach((letter, index) => {
      process.stdout.write(`${index === 0 ? "\n" : ",\n"}${JSON.stringify(letter)}`);
    });
    process.stdout.write("\n]}\n");
    return EXIT.ok;
  });
}
