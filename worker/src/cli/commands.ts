import type { CommandModule } from "./command.ts";

export interface CommandEntry {
  readonly summary: string;
  /** Left out of the list of commands: started by the fleet itself. */
  readonly hidden?: boolean;
  readonly load: () => Promise<CommandModule>;
}

/** Every command of the queue's command line, in the order of its help. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  push: {
    summary: "push tasks: one by flags, many from a file or standard input",
    load: () => import("./push.ts"),
  },
  map: { summary: "run a program over many files, on the fleet", load: () => import("./map.ts") },
  result: { summary: "show how tasks ended, or wait for them", load: () => import("./result.ts") },
  cancel: { summary: "take tasks out of the queue, stop running ones", load: () => import("./cancel.ts") },
  status: { summary: "queue, kinds, workers and spawner at a glance", load: () => import("./status.ts") },
  workers: { summary: "list the workers", load: () => import("./workers.ts") },
  kinds: { summary: "list what the fleet runs", load: () => import("./kinds.ts") },
  queue: { summary: "pause, resume, depth, purge; the dead-letter queue", load: () => import("./queue.ts") },
  scale: {
    summary: "say how many workers there are, or leave it to the law again",
    load: () => import("./scale.ts"),
  },
  db: {
    summary: "set up, migrate and look at the database of the record",
    load: () => import("./db.ts"),
  },
  runs: {
    summary: "what the record knows of tasks: list, show, stuck, reset, prune",
    load: () => import("./runs.ts"),
  },
  backup: {
    summary: "back up queue and record; list, verify, restore; the restore drill",
    load: () => import("./backup.ts"),
  },
  logs: { summary: "show or follow the logs of a fleet on this machine", load: () => import("./logs.ts") },
  doctor: {
    summary: "check a fleet by the production checklists, line by line",
    load: () => import("./doctor.ts"),
  },
  loadtest: {
    summary: "push at a steady rate, and report how long tasks took",
    load: () => import("./loadtest.ts"),
  },
  health: {
    summary: "ask a role of the fleet whether it is alive, or ready",
    load: () => import("./health.ts"),
  },
  completion: {
    summary: "print a script by which bash, zsh or fish completes the command line",
    load: () => import("./completion.ts"),
  },
  worker: { summary: "run a worker, or test that one could start", load: () => import("./worker.ts") },
  spawner: { summary: "run a spawner", load: () => import("./spawner.ts") },
  "watch-queue": {
    summary: "start and remove the workers' containers of a Compose project",
    load: () => import("./watch-queue.ts"),
  },
  api: { summary: "serve the queue over HTTP", load: () => import("./api.ts") },
  "api-key": { summary: "make, list and revoke keys of the API", load: () => import("./api-key.ts") },
  "sandbox-broker": {
    summary: "run untrusted programs in containers, for workers without Docker",
    load: () => import("./sandbox-broker.ts"),
  },
  supervise: {
    summary: "run a worker and record why it ended",
    hidden: true,
    load: () => import("./supervise.ts"),
  },
};
