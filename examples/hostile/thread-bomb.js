// Threads until no more can be had, and then it waits.
const { Worker } = require("node:worker_threads");
process.on("uncaughtException", () => {});
setInterval(() => {
  for (let at = 0; at < 20; at++)
    new Worker("setInterval(() => {}, 1000)", { eval: true }).on("error", () => {});
}, 10);
