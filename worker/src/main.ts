#!/usr/bin/env node
/**
 * The worker package's one entry: `node main.ts <command>`. Roles (`worker`, `spawner`, `supervise`) and the
 * queue's commands are loaded only when they are asked for, so that every start is quick.
 */
import { runCli } from "./cli/program.ts";

process.exit(await runCli(process.argv.slice(2), process.env));
