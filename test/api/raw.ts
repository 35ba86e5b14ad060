import { once } from "node:events";
import { connect } from "node:net";

/** What a server sends back for these bytes until it closes; `end`: close our side behind them. */
export async function raw(base: string, bytes: string, { end = false } = {}): Promise<string> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  socket.setEncoding("utf8");
  let received = "";
  socket.on("data", (text: string) => {
    received += text;
  });
  socket.on("error", () => {});
  if (end) socket.end(bytes);
  else socket.write(bytes);
  await once(socket, "close");
  return received;
}

/** Status and body of such an answer. */
export function parseRaw(answer: string): {
  readonly status: number;
  readonly body: Record<string, unknown>;
} {
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  const [, status] = /^HTTP\/1\.1 (\d+) /.exec(head) ?? [];
  return { status: Number(status), body: body === "" ? {} : JSON.parse(body) };
}
