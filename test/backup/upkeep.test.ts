import { deepEqual, equal, match } from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { queueKeys } from "../../worker/contract/queue-keys.ts";
import { backupName, type Manifest } from "../../worker/src/backup/manifest.ts";
import { readNote } from "../../worker/src/backup/note.ts";
import { BackupUpkeep } from "../../worker/src/backup/upkeep.ts";
import { startCli } from "../cli/support.ts";
import { type LoggedLine, listeningLogger } from "../record/support.ts";
import { waitFor } from "../support/wait.ts";
import { type BackedUp, fill, withServers } from "./support.ts";

const DAY_MS = 86_400_000;

describe("backup run", function () {
  this.timeout(120_000);

  describe("decides", () => {
    const manifest = {
      name: "n",
      started_at: "2026-11-28T00:00:00.000Z",
      record: null,
      queue: { keyspace: { keys: 3 } },
    };
    const start = Date.parse(manifest.started_at);
    let now: number;
    let newest: number | undefined;
    let fails: boolean;
    let stuck: boolean;
    let lines: LoggedLine[];
    let told: string[];
    let upkeep: BackupUpkeep;
    const signal = new AbortController().signal;
    beforeEach(() => {
      [now, newest, fails, stuck, lines, told] = [start, undefined, false, false, [], []];
      upkeep = new BackupUpkeep({
        everyMs: DAY_MS,
        newest: async () => newest,
        create: async () => {
          if (fails) throw new Error("no room");
          newest = now;
          return { ...manifest, started_at: new Date(now).toISOString() } as unknown as Manifest;
        },
        prune: async () => {
          if (stuck) throw new Error("no permission");
          return ["old"];
        },
        note: {
          success: async ({ name }) => void told.push(name),
          failure: async (error) => {
            told.push(String(error));
            throw new Error("no Redis");
          },
        },
        now: () => now,
        logger: listeningLogger(lines),
      });
    });

    it("tells of old ones that do not go, tries again, and calls the backup no failure for that", async () => {
      stuck = true;
      equal(await upkeep.step(signal), 0);
      equal(await upkeep.step(signal), 60_000);
      stuck = false;
      equal(await upkeep.step(signal), 60_000);
      equal(await upkeep.step(signal), 60_000);
      deepEqual(
        lines.map(({ event }) => event),
        ["backup_made", "backup_prune_failed", "backups_removed"],
      );
      deepEqual([upkeep.counts.success, upkeep.counts.failure], [1, 0]);
    });

    it("makes one when there is none, and again when the newest is a day old, however long the machine slept", async () => {
      equal(await upkeep.step(signal), 0);
      equal(await upkeep.step(signal), 60_000);
      now = start + DAY_MS - 1;
      equal(await upkeep.step(signal), 1);
      now = start + 9 * DAY_MS;
      equal(await upkeep.step(signal), 0);
      equal(await upkeep.step(signal), 60_000);
      deepEqual(upkeep.counts, { success: 2, failure: 0, lastSuccess: now });
      deepEqual(told, ["n", "n"]);
      deepEqual(
        lines.map(({ event }) => event),
        ["backup_made", "backups_removed", "backup_made", "backups_removed"],
      );
    });

    it("tries again after a failure, ever more rarely, and says so", async () => {
      fails = true;
      const waits: number[] = [];
      for (let i = 0; i < 8; i++) waits.push(await upkeep.step(signal));
      deepEqual(
        waits,
        [30, 60, 120, 240, 480, 960, 1_800, 1_800].map((seconds) => seconds * 1_000),
      );
      deepEqual(upkeep.counts, { success: 0, failure: 8, lastSuccess: undefined });
      deepEqual(
        lines.slice(0, 2).map(({ level, event }) => [level, event]),
        [
          ["error", "backup_failed"],
          ["warn", "backup_note_failed"],
        ],
      );
      fails = false;
      equal(await upkeep.step(signal), 0);
      fails = true;
      newest = undefined;
      equal(await upkeep.step(signal), 30_000);
    });
  });

  describe("as a process", () => {
    const children: ChildProcess[] = [];
    const start: typeof startCli = (words, options) => {
      const child = startCli(words, options);
      children.push(child);
      return child;
    };
    afterEach(() => {
      for (const child of children.splice(0)) child.kill("SIGKILL");
    });

    let fleet: BackedUp;
    withServers((made) => {
      fleet = made;
    });

    it("makes a backup, tells the fleet and Prometheus, makes up for a missed one, and stops at SIGTERM", async () => {
      await fill(fleet);
      const env = { ...fleet.env, TASKFLEET_BACKUP_KEEP: "1" };
      const child = start(["backup", "run"], { env, cwd: fleet.folder });
      let log = "";
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        log += text;
      });
      const records = () =>
        log
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Record<string, unknown>);
      const logged = (message: string, count = 1) =>
        waitFor(message, () => records().filter((one) => one.message === message)[count - 1]);
      const made = await logged("backup_made");
      const note = await waitFor("the note", async () => {
        const found = await readNote(fleet.queue.redis, fleet.queue.stream);
        return found.lastSuccess === null ? null : found;
      });
      deepEqual(note, { lastSuccess: note.lastSuccess, name: made.backup, lastFailure: null, error: null });
      const { address } = await logged("backup_starting");
      const metrics = await (await fetch(`${address}/metrics`)).text();
      match(metrics, /^backups_total\{outcome="success"\} 1$/m);
      const [, seconds] = /^backup_last_success_timestamp_seconds (\S+)$/m.exec(metrics) ?? [];
      equal(backupName(new Date(Number(seconds) * 1_000)), made.backup);
      child.kill("SIGTERM");
      deepEqual(await once(child, "exit"), [0, null]);
      equal(records().at(-1)?.message, "backup_stopped");

      // The machine was off for two days.
      const old = backupName(new Date(Date.now() - 2 * DAY_MS));
      renameSync(join(fleet.directory, String(made.backup)), join(fleet.directory, old));
      log = "";
      const again = start(["backup", "run"], { env, cwd: fleet.folder });
      again.stdout?.setEncoding("utf8").on("data", (text: string) => {
        log += text;
      });
      deepEqual((await logged("backups_removed")).backups, [old]);
      again.kill("SIGTERM");
      await once(again, "exit");
      equal(readdirSync(fleet.directory).length, 1);
      rmSync(fleet.directory, { recursive: true });
    });

    it("tells the fleet of a failure, without a password", async () => {
      const wrong = fleet.urls.backup.replace("pass-of-backup", "a-wrong-pass");
      const env = { ...fleet.env, TASKFLEET_DATABASE_BACKUP_URL: wrong };
      const child = start(["backup", "run"], { env, cwd: fleet.folder });
      let log = "";
      child.stdout?.on("data", (text: Buffer) => {
        log += text;
      });
      const { backups } = queueKeys(fleet.queue.stream);
      const error = await waitFor("the note", () => fleet.queue.redis.hget(backups, "error"));
      match(
        error,
        /^PostgreSQL at 127\.0\.0\.1:\d+\/record_\S+ refuses to serve: password authentication failed/,
      );
      child.kill("SIGTERM");
      await once(child, "exit");
      match(log, /"message":"backup_failed"/);
      equal((log + error).includes("a-wrong-pass"), false);
    });
  });
});
