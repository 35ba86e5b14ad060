import type { Duplex } from "node:stream";
import { PROBLEM_TYPE } from "../../contract/api.ts";
import type { Problem } from "./problems.ts";

/** Answers on a bare socket what no route can answer, and closes it. `id`: the request's, by which the log knows it. */
export function answerRaw(socket: Duplex, problem: Problem, id: string): void {
  const body = JSON.stringify(problem.body(id));
  const lines = [
    `HTTP/1.1 ${problem.status} Refused`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "cache-control: no-store",
    ...Object.entries(problem.details.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
  ];
  // A client that never ends its own side would hold the socket.
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
