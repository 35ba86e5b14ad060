import type { Duplex } from "node:stream";
import { PROBLEM_TYPE } from "../../../contract/api.ts";
import type { Problem } from "../problems.ts";

/** Answers a request for an upgrade that is refused, on its bare socket. `id`: the request's, by which the log knows it. */
export function refuseUpgrade(socket: Duplex, problem: Problem, id: string): void {
  const body = JSON.stringify(problem.body(id));
  const lines = [
    `HTTP/1.1 ${problem.status} Refused`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "cache-control: no-store",
    ...Object.entries(problem.details.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
