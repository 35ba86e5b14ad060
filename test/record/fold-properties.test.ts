import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import type { RunChange, RunEvent } from "../../worker/contract/run-events.ts";
import type { Run } from "../../worker/contract/runs.ts";
import { fold } from "../../worker/src/core/run-state.ts";
import type { RunChanges } from "../../worker/src/ports/activity-store.ts";
import { foldEvents } from "../../worker/src/recorder/fold-events.ts";
import { rows } from "../support/postgres-server.ts";
import { type History, histories } from "./histories.ts";
import { openStore, type RecordedQueue, withRecord } from "./support.ts";

const QUEUE = "q";

/** The record in memory: what a database does with batches, in order. */
class Memory {
  readonly runs = new Map<string, Run>();
  readonly lines: RunChanges["lines"][number][] = [];

  write(events: readonly RunEvent[]): this {
    const { runs, lines } = foldEvents(QUEUE, events, this.runs);
    for (const run of runs) this.runs.set(run.id, run);
    this.lines.push(...lines);
    return this;
  }
}

/** Cuts a sequence behind the places that are chosen, as shares of its length. */
function batches(events: readonly RunEvent[], cuts: readonly number[]): RunEvent[][] {
  const ends = [...new Set([...cuts.map((share) => Math.floor(share * events.length)), events.length])];
  ends.sort((one, other) => one - other);
  return ends.map((end, i) => events.slice(ends[i - 1] ?? 0, end)).filter((part) => part.length > 0);
}

const cuts = fc.array(fc.double({ min: 0, max: 0.99, noNaN: true }), { maxLength: 8 });
const parts = fc.tuple(histories, cuts).map(([history, at]) => batches(history.events, at));

describe("the fold of events", () => {
  it("makes of a history what its queue holds at the end", () => {
    fc.assert(
      fc.property(histories, ({ events, tasks }: History) => {
        const { runs, lines } = new Memory().write(events);
        for (const [id, task] of tasks) {
          const { status, attempts, deliveries, started_at, finished_at, due_at, worker_id } = runs.get(
            id,
          ) as Run;
          deepEqual(
            { status, attempts, deliveries, started_at, finished_at, due_at, worker_id },
            task.run,
            id,
          );
          // Progress has lines of its own.
          const starts = lines.filter(
            (line) => line.id === id && line.status === "running" && line.progress === null,
          );
          equal(starts.length, task.starts, id);
        }
        equal(runs.size, tasks.size);
      }),
    );
  });

  it("keeps the end of a run whose task a restored queue runs again, until the new one comes", () => {
    const of = { id: "a", kind: "k", agentId: "a", priority: "normal", enqueuedAt: 1 } as const;
    const end = { ...of, type: "settled", status: "success", finishedAt: 5 } as const;
    const ended = fold(QUEUE, undefined, end as RunChange, 5)?.run;
    for (const type of ["back", "reclaimed"] as const)
      equal(fold(QUEUE, ended, { ...of, type, attempts: 0, deliveries: 1 }, 9), undefined);
    const again = fold(QUEUE, ended, { ...end, finishedAt: 20 } as RunChange, 20)?.run;
    deepEqual([again?.status, again?.finished_at], ["success", 20]);
  });

  it("is the same however the events are cut into batches", () => {
    fc.assert(
      fc.property(histories, cuts, ({ events }, at) => {
        const whole = new Memory().write(events);
        const cut = new Memory();
        for (const part of batches(events, at)) cut.write(part);
        deepEqual(cut.runs, whole.runs);
        deepEqual(cut.lines, whole.lines);
      }),
    );
  });

  it("changes no run when a change is met twice", () => {
    fc.assert(
      fc.property(histories, ({ events }) => {
        const runs = new Map<string, Run>();
        const apply = (change: RunChange, at: number) => {
          const folded = fold(QUEUE, runs.get(change.id), change, at);
          if (folded !== undefined) runs.set(change.id, folded.run);
          return runs.get(change.id);
        };
        for (const { at, changes } of events)
          for (const change of changes) deepEqual(apply(change, at), apply(change, at), change.type);
      }),
    );
  });
});

describe("batches of events in the database", function () {
  this.timeout(180_000);
  let record: RecordedQueue;
  withRecord((made) => {
    record = made;
  });

  it("count in their order and once, in whatever order and however often two writers offer them", async () => {
    const stores = [record.store, await openStore(record.url)] as const;
    let queues = 0;
    await fc.assert(
      fc.asyncProperty(
        parts,
        fc.array(fc.tuple(fc.nat(100), fc.constantFrom(0 as const, 1 as const)), { maxLength: 20 }),
        async (given, offers) => {
          const queue = `q${queues++}`;
          const place = (i: number) => (i < 0 ? null : `1-${i}`);
          let written = 0;
          const offer = async (i: number, which: 0 | 1) => {
            const events = given[i] ?? [];
            const ids = [...new Set(events.flatMap(({ changes }) => changes.map(({ id }) => id)))];
            const change = (runs: ReadonlyMap<string, Run>) => foldEvents(queue, events, runs);
            const position = { from: place(i - 1), to: place(i) ?? "" };
            const done = await stores[which].write(queue, { ids, change, position });
            equal(done, i === written ? "written" : "moved");
            if (done === "written") written += 1;
          };
          for (const [i, which] of offers) await offer(i % given.length, which);
          while (written < given.length) await offer(written, 0);
          const expected = new Memory();
          for (const part of given) expected.write(part);
          for (const [id, run] of expected.runs) {
            const { log, ...found } = (await record.store.run(queue, id)) ?? { log: [] };
            deepEqual(found, { ...run, queue }, id);
            const lines = expected.lines.filter((line) => line.id === id);
            deepEqual(
              log,
              lines.map(({ id: _, ...line }) => line),
              `log of ${id}`,
            );
          }
          const [count] = await rows(
            record.url,
            `SELECT count(*)::int AS n FROM taskfleet_activity WHERE queue = '${queue}'`,
          );
          equal(count?.n, expected.runs.size);
        },
      ),
      { numRuns: 40 },
    );
    await stores[1].close();
  });
});
