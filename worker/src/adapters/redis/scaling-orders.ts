import type { Redis } from "ioredis";
import { queueKeys } from "../../../contract/queue-keys.ts";
import { encodeOrder, parseOrder, type ScalingOrder } from "../../../contract/scaling-order.ts";
import { SCRIPTS } from "./scripts.ts";

/** What an operator said of the number of a stream's workers. */
export async function readOrder(redis: Redis, stream: string): Promise<ScalingOrder> {
  return parseOrder(await redis.hgetall(queueKeys(stream).scalingOrder));
}

/** Puts an order in the place of the last one; that of mode `law` takes it back. */
export async function giveOrder(redis: Redis, stream: string, order: ScalingOrder): Promise<void> {
  const fields = Object.entries(encodeOrder(order)).flat();
  await SCRIPTS.orderScaling.run(redis, [queueKeys(stream).scalingOrder], fields);
}
