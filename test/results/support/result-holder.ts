/** A worker that takes a task, keeps its result, and is killed before it settles. Arguments: Redis URL, stream, folder. */
import { ResultFiles } from "../../../worker/src/adapters/files/result-files.ts";
import { createConnection } from "../../../worker/src/adapters/redis/connection.ts";
import { Consumer } from "../../../worker/src/adapters/redis/consumer.ts";
import { resultOf } from "../../support/queue.ts";
import { NOW } from "../support.ts";

const [url = "", stream = "", directory = ""] = process.argv.slice(2);
const workerId = "victim";
const connect = (profile: "command" | "blocking") =>
  createConnection({ url, password: "", profile, name: workerId });
const consumer = new Consumer({
  redis: connect("command"),
  blocking: connect("blocking"),
  streams: [stream],
  workerId,
  resultTtlSeconds: 600,
});
const tasks = await consumer.read(1, 10_000);
const store = new ResultFiles({ directory, workerId, now: () => NOW });
await store.save(tasks.map((task) => ({ task, result: resultOf(task, { output: "first" }) })));
process.stdout.write("saved\n");
