import { Problem } from "./problems.ts";
import type { Server } from "./server.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** Notes the routes that are added from now on; the returned function gives their paths an answer to all other methods. */
export function refuseOtherMethods(app: Server): () => void {
  const allowed = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const methods = allowed.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    allowed.set(url, methods);
  });
  return () => {
    for (const [url, methods] of [...allowed]) {
      const allow = [...methods].sort().join(", ");
      app.route({
        url,
        method: METHODS.filter((method) => !methods.has(method)),
        schema: { hide: true },
        // Before the body is read.
        onRequest: () => {
          throw new Problem("method-not-allowed", { detail: `this path has ${allow}`, headers: { allow } });
        },
        handler: () => {},
      });
    }
  };
}
