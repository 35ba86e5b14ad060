import { once } from "node:events";

/** Resolves when a slow reader has taken what was written, so that no more piles up in memory. */
export async function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableNeedDrain) await once(stream, "drain");
}

/** Resolves when all that was written has left this process: `process.exit` would drop the rest. */
export async function flushed(): Promise<void> {
  const streams = [process.stdout, process.stderr];
  await Promise.all(streams.map((stream) => new Promise((resolve) => stream.write("", resolve))));
}
