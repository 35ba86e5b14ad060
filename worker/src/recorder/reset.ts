/** `runs reset`: open runs of long ago against what the queue says of their tasks. What is alive is left alone. */
import type { Run } from "../../contract/runs.ts";
import type { Reclaimed } from "../adapters/redis/keeper.ts";
import type { DeliveryLimits, HeldEntry, TaskPlace } from "../adapters/redis/task-places.ts";
import { compareEntryIds } from "../core/entry-order.ts";
import type { ActivityStore, OpenFilter } from "../ports/activity-store.ts";
import { BEFORE_ALL, type RunEventSource } from "../ports/run-event-source.ts";
import { repairRuns, repairWaiting, type TaskTruth } from "./stale.ts";

/**
 * What the queue said. `alive`: a worker has the task and its lease runs. `lost`: its worker fell silent. `waiting`:
 * in a stream, due or parked. `ended`: it has a result or is a dead letter. `gone`: no task stands behind the run.
 */
export type ResetFound = "alive" | "lost" | "waiting" | "ended" | "gone";

/**
 * What was done. `unread`: the record has events to read yet, which may tell; nothing was done. `repaired`: only the
 * record was changed. The others: the task was taken back from its worker, and is there now.
 */
export type ResetDone = "nothing" | "unread" | "repaired" | "requeued" | "dead-lettered" | "cancelled";

export interface ResetRun extends Pick<Run, "id" | "kind" | "status" | "worker_id"> {
  /** Since when it is so: its start, or for one that never started its push; ms since the epoch. */
  readonly since: number;
  readonly found: ResetFound;
  readonly done: ResetDone;
}

export interface ResetOptions {
  readonly queue: string;
  readonly store: ActivityStore;
  readonly source: Pick<RunEventSource, "lastId">;
  readonly tasks: TaskTruth;
  readonly places: { find(ids: readonly string[]): Promise<readonly TaskPlace[]> };
  readonly keeper: { reclaimEntry(entry: HeldEntry, limits: DeliveryLimits): Promise<Reclaimed> };
  readonly limits: DeliveryLimits;
  /** Runs that started, or were pushed and did not start, before it; ms since the epoch. */
  readonly before: number;
  /** The time now, in ms since the epoch. */
  readonly now: number;
  /** Look only. */
  readonly dryRun: boolean;
  /** Waits until the record may have read on; true: that was long enough. */
  readonly catchUp: () => Promise<boolean>;
}

const PAGE = 1_000;

/** Resets runs; each that is running, or has no task behind it, is told with what became of it. */
export async function resetRuns(o: ResetOptions): Promise<readonly ResetRun[]> {
  const read = await hasRead(o);
  const told: ResetRun[] = [];
  for (const filter of [
    { status: "running", startedBefore: o.before },
    { status: "queued", createdBefore: o.before },
  ] as const)
    for await (const page of pages(o, filter)) told.push(...(await resetPage(o, page, read)));
  return told;
}

/** Whether all that had happened when the reset began is in the record. */
async function hasRead({ queue, store, source, catchUp }: ResetOptions): Promise<boolean> {
  const target = await source.lastId();
  for (;;) {
    const position = (await store.position(queue)) ?? BEFORE_ALL;
    if (compareEntryIds(position, target) >= 0) return true;
    if (await catchUp()) return false;
  }
}

async function* pages(
  { queue, store }: ResetOptions,
  filter: Omit<OpenFilter, "limit" | "after">,
): AsyncGenerator<readonly Run[]> {
  let after: { createdAt: number; id: string } | undefined;
  for (;;) {
    const page = await store.open(queue, { ...filter, limit: PAGE, ...(after && { after }) });
    yield page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = { createdAt: last.created_at, id: last.id };
  }
}

async function resetPage(o: ResetOptions, page: readonly Run[], read: boolean): Promise<ResetRun[]> {
  const places = await o.places.find(page.map(({ id }) => id));
  const looked = page.flatMap((run, i) => {
    const place = places[i] ?? { state: "gone" };
    const found = judge(place, o.limits);
    // One that waits for its turn, or runs before the record knows, is as it should be.
    const sound = run.status === "queued" && found !== "ended" && found !== "gone" && found !== "lost";
    return sound ? [] : [{ run, place, found }];
  });
  const back = new Map<string, ResetDone>();
  if (!o.dryRun)
    for (const { place, found } of looked)
      if (found === "lost" && place.state === "held")
        note(back, await o.keeper.reclaimEntry(place, o.limits));
  // Of what another took back, or what settled between look and act, the queue says now where it is.
  const again = looked.filter(({ run, found }) => found === "lost" && !o.dryRun && !back.has(run.id));
  const now = await o.places.find(again.map(({ run }) => run.id));
  const later = new Map(again.map(({ run }, i) => [run.id, judge(now[i] ?? { state: "gone" }, o.limits)]));
  // What changed since the first look is told to the record by itself.
  const behind = looked.filter(({ found }) => found !== "alive" && found !== "lost");
  const repaired = o.dryRun || !read ? new Set<string>() : await repair(o, behind);
  return looked.map(({ run, found: first }) => {
    const found = later.get(run.id) ?? first;
    const unread = !o.dryRun && !read && behind.some((one) => one.run === run);
    const none = unread ? "unread" : "nothing";
    const done = back.get(run.id) ?? (repaired.has(run.id) ? "repaired" : none);
    const { id, kind, status, worker_id } = run;
    return { id, kind, status, worker_id, since: run.started_at ?? run.created_at, found, done };
  });
}

function judge(place: TaskPlace, { leaseMs }: DeliveryLimits): ResetFound {
  if (place.state !== "held") return place.state;
  return place.silentMs >= leaseMs ? "lost" : "alive";
}

function note(back: Map<string, ResetDone>, { requeued, buried, cancelled }: Reclaimed): void {
  for (const id of requeued) back.set(id, "requeued");
  for (const id of buried) back.set(id, "dead-lettered");
  for (const id of cancelled) back.set(id, "cancelled");
}

async function repair(
  o: ResetOptions,
  behind: readonly { readonly run: Run; readonly found: ResetFound }[],
): Promise<ReadonlySet<string>> {
  const waiting = behind.filter(({ found }) => found === "waiting").map(({ run }) => run);
  const others = behind.filter(({ found }) => found !== "waiting").map(({ run }) => run.id);
  const { gone, ended } = await repairRuns(o, others);
  return new Set([...(await repairWaiting(o, waiting)), ...gone, ...ended]);
}
