/**
 * A worker that takes tasks, settles the first few, and then holds the rest until it is killed. Arguments:
 * Redis URL, stream, worker id, how many to take, how many to settle. Prints `holding` when it is there.
 */
import { createConnection } from "../../worker/src/adapters/redis/connection.ts";
import { Consumer } from "../../worker/src/adapters/redis/consumer.ts";
import { resultOf } from "./queue.ts";

const [url = "", stream = "", workerId = "", take = "", settle = ""] = process.argv.slice(2);
const connect = (profile: "command" | "blocking") =>
  createConnection({ url, password: "", profile, name: workerId });
const consumer = new Consumer({
  redis: connect("command"),
  blocking: connect("blocking"),
  streams: [stream],
  workerId,
  resultTtlSeconds: 600,
});
const tasks = await consumer.read(Number(take), 10_000);
const done = tasks.slice(0, Number(settle));
await consumer.settle(
  done.map((task) => ({ task, result: resultOf(task, { worker_id: workerId }), runtimeMs: 1 })),
);
process.stdout.write("holding\n");
