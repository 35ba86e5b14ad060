/** The peer's worker, as its documentation sets it up: one process, jobs removed when they are completed. */
import { Worker } from "bullmq";

const [name = "", port = "", concurrency = ""] = process.argv.slice(2);
const worker = new Worker(name, async () => "ok", {
  connection: { host: "127.0.0.1", port: Number(port) },
  concurrency: Number(concurrency),
  removeOnComplete: { count: 0 },
});
worker.on("error", (error) => process.stderr.write(`${error.message}\n`));
await worker.waitUntilReady();
process.stdout.write("ready\n");
process.on("SIGTERM", () => void worker.close().then(() => process.exit(0)));
