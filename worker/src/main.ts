#!/usr/bin/env node
/**
 * The worker package's one entry: `node main.ts <command>`. Roles (`worker`, `spawner`, `supervise`, `sandbox-broker`) and the
 * queue's commands are loaded only when they are asked for, so that every start is quick.
 */
import { flushed } from "./cli/output/drain.ts";
import { runCli } from "./cli/program.ts";

const code = await runCli(process.argv.slice(2), process.env);
await flushed();
process.exit(code);
