import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { PATHS } from "../paths.ts";

/**
 * Waits until no other process of this machine holds `name` for this user's cache, and holds it until
 * disposed. `onWait` is called once if another does. The lock is an abstract socket, which Linux takes away
 * with its process: there are no stale ones. Elsewhere nothing is locked, and the atomic rename at the end of
 * the work keeps it safe.
 */
export async function holdLock(name: string, onWait: () => void): Promise<AsyncDisposable> {
  if (process.platform !== "linux") return { async [Symbol.asyncDispose]() {} };
  const digest = createHash("sha256").update(`${PATHS.cache}\n${name}`).digest("hex").slice(0, 32);
  const path = `\0taskfleet-${digest}`;
  for (let waited = false; ; waited = true) {
    const waiting = new Set<Socket>();
    const server = createServer((peer) => waiting.add(peer.on("error", () => {}).unref()));
    try {
      server.listen(path);
      await once(server, "listening");
      server.unref();
      return {
        async [Symbol.asyncDispose]() {
          server.close();
          for (const peer of waiting) peer.destroy();
        },
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
    if (!waited) onWait();
    // The holder never answers: the connection ends when it lets go.
    const holder = connect(path);
    holder.on("error", () => {}).resume();
    await new Promise((resolve) => holder.on("close", resolve));
  }
}
