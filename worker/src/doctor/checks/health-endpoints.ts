import { type Check, failed, ok, skipped } from "../check.ts";

/** Every process that can be asked from here says that it is ready. */
export const healthEndpoints: Check = {
  id: "health",
  title: "Health endpoints implemented",
  source: "production checklist",
  run: ({ endpoints, queue }) => {
    const broken = endpoints.filter(({ fault }) => fault !== null);
    if (broken.length > 0)
      return failed(
        `not ready: ${broken.map(({ of, address, fault }) => `${of} at ${address} (${fault})`).join(", ")}`,
        "look at its log: taskfleet logs",
      );
    if (endpoints.length > 0) return ok(`ready: ${endpoints.map(({ of }) => of).join(", ")}`);
    if ("unknown" in queue) return skipped(queue.unknown);
    return skipped("no process of this fleet has a health address that can be asked from here");
  },
};
