import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A port that is free now and that no outgoing connection takes while a process starts or restarts: below the
 * range that the kernel gives those.
 */
export async function quietPort(): Promise<number> {
  for (;;) {
    const server = createServer();
    server.listen(randomInt(20_000, 32_000), "127.0.0.1");
    const free = await once(server, "listening").then(
      () => true,
      () => false,
    );
    const address = server.address();
    server.close();
    if (free && address !== null && typeof address === "object") return address.port;
  }
}
