import { EXIT } from "../../contract/exit-codes.ts";
import type { PublishedKind } from "../../contract/records.ts";
import { readKinds } from "../adapters/redis/queue-status.ts";
import { CliError } from "./report-error.ts";
import type { Session } from "./session.ts";

/** The kinds that the fleet has published; an error when it never has, which means that it never ran. */
export async function publishedKinds({ redis, stream }: Session): Promise<Map<string, PublishedKind>> {
  const kinds = await readKinds(redis, stream);
  if (kinds.size === 0)
    throw new CliError(
      `no kinds are published for ${stream}: the fleet has not been started yet`,
      EXIT.failed,
      "Run `taskfleet up`; its spawner publishes what the workers run, also when there are none.",
    );
  return kinds;
}
