import { readFile } from "node:fs/promises";
import { connect } from "node:net";

/** How to tell that a process does its work. `timeoutSeconds` bounds the wait for it. */
export type ReadyCheck =
  | { readonly kind: "http"; readonly path: string; readonly timeoutSeconds: number }
  | { readonly kind: "redis"; readonly passwordFile: string; readonly timeoutSeconds: number }
  | { readonly kind: "postgres"; readonly user: string; readonly timeoutSeconds: number };

export const READY_KINDS = ["http", "redis", "postgres"] as const satisfies readonly ReadyCheck["kind"][];

const HOST = "127.0.0.1";
const ATTEMPT_TIMEOUT_MS = 2000;

/** Sends `words` and collects the answer until `enough` of it is there. Rejects when nobody listens. */
function converse(
  port: number,
  words: string | Buffer,
  enough: (answer: string) => boolean,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: HOST });
    let answer = "";
    socket.setTimeout(ATTEMPT_TIMEOUT_MS, () => socket.destroy(new Error("no answer")));
    socket.on("connect", () => socket.write(words));
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      if (enough(answer)) socket.end();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

function redisCommand(...words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}

/** Two answers, one for AUTH and one for PING. */
const twoLines = (answer: string) => answer.split("\r\n").length > 2;

/** PostgreSQL's first message, protocol 3.0: https://www.postgresql.org/docs/current/protocol-message-formats.html */
function startupMessage(user: string): Buffer {
  const PROTOCOL = 0x0003_0000;
  const body = Buffer.from(`user\0${user}\0database\0postgres\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt32BE(PROTOCOL, 4);
  return Buffer.concat([head, body]);
}

/** Whether the message that begins `answer` is all there: a letter, and a length that counts itself. */
function wholeMessage(answer: string): boolean {
  return answer.length >= 5 && answer.length > Buffer.from(answer.slice(1, 5), "latin1").readInt32BE(0);
}

/** What the server wants of who connects means that it takes connections; an error has its words in fields. */
function whatPostgresLacks(answer: string): string | undefined {
  if (answer.startsWith("R")) return undefined;
  const field = answer.split("\0").find((part) => part.startsWith("M"));
  return `it answers ${field === undefined ? JSON.stringify(answer.slice(0, 40)) : field.slice(1)}`;
}

/** Asks once. Returns what is missing, or `undefined` when the process is ready. */
export async function whatIsMissing(check: ReadyCheck, port: number): Promise<string | undefined> {
  try {
    switch (check.kind) {
      case "http": {
        const signal = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS);
        const response = await fetch(`http://${HOST}:${port}${check.path}`, { signal });
        const body = await response.text();
        return response.ok ? undefined : `${check.path} answers ${response.status} ${body.slice(0, 300)}`;
      }
      case "redis": {
        const password = (await readFile(check.passwordFile, "utf8")).trim();
        const words = redisCommand("AUTH", password) + redisCommand("PING");
        const answer = await converse(port, words, twoLines);
        return answer.includes("+PONG") ? undefined : `it answers ${answer.trim().replaceAll("\r\n", " ")}`;
      }
      case "postgres":
        return whatPostgresLacks(await converse(port, startupMessage(check.user), wholeMessage));
    }
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return `port ${port} does not answer: ${reason instanceof Error ? reason.message : String(reason)}`;
  }
}
