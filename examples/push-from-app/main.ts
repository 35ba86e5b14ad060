/**
 * An application that pushes tasks and uses their results. Start a fleet whose `handlers` folder is
 * `examples/handlers`, then: `eval "$(./taskfleet env)"` and `node examples/push-from-app/main.ts`.
 */
import { readFileSync } from "node:fs";
import { createClient } from "@taskfleet/worker/client";
import flaky from "../handlers/flaky.ts";
import wordCount from "../handlers/word-count.ts";

const { REDIS_URL = "redis://127.0.0.1:6379", REDIS_PASSWORD, REDIS_PASSWORD_FILE } = process.env;
const redisPassword =
  REDIS_PASSWORD ??
  (REDIS_PASSWORD_FILE === undefined ? "" : readFileSync(REDIS_PASSWORD_FILE, "utf8").trim());

const client = createClient({ redisUrl: REDIS_URL, redisPassword });
try {
  // The payload is typed by the handler's schema: { txt: "..." } would not compile.
  const { id } = await client.push(wordCount, { text: "to be or not to be" });
  const outcome = await client.wait(id);
  if (outcome.state === "settled") console.log("words:", outcome.result.output);

  // An id of one's own makes the push idempotent: the second one does nothing.
  const order = { id: `order-4711-${Date.now()}`, maxAttempts: 3 };
  const first = await client.push(flaky, { failures: 2 }, order);
  const second = await client.push(flaky, { failures: 2 }, order);
  console.log("pushed:", first.state, "then", second.state);
  const retried = await client.wait(order.id);
  if (retried.state === "settled") console.log("succeeded in run", retried.result.attempts);
} finally {
  await client.close();
}
