/** One session on the connection that holds it: what its client asks for, and the events that it is told. */
import { isLastState, type SessionEvent } from "../../../contract/sessions.ts";
import type { Enqueued } from "../../adapters/redis/producer.ts";
import type { TaskOutcome } from "../../adapters/redis/results.ts";
import type { HeldSession, NumberedEvent, SessionStore } from "../../adapters/redis/sessions.ts";
import type { KeyOwner } from "../../core/api-key.ts";
import { QueueFullError } from "../../core/errors.ts";
import { sessionTaskId } from "../../core/session-token.ts";
import type { NewTask } from "../../core/task.ts";
import type { Queue } from "../parts.ts";
import { Problem } from "../problems.ts";
import { tasksOf } from "../task-body.ts";
import type { ClientMessage, MessageOf } from "./messages.ts";
import type { Wire } from "./wire.ts";

export interface SessionParts {
  readonly held: HeldSession;
  readonly store: SessionStore;
  readonly queue: Queue;
  readonly wire: Wire;
  readonly mostTasks: number;
  /** Counts a push of this key; throws a `Problem` for one too many. */
  readonly count: (owner: KeyOwner) => Promise<void>;
  /** Makes a push, as one of the trace that the upgrade's request named. */
  readonly send: (tasks: readonly NewTask[], push: Push) => Promise<Enqueued[]>;
}

export type Push = (tasks: readonly NewTask[]) => Promise<Enqueued[]>;

type Asked = Exclude<ClientMessage, { readonly type: "open" | "resume" }>;

/** Events, and ends with their results, that are read at once. */
const PAGE = 100;
const ENDS = 8;

export class Session {
  readonly #o: SessionParts;
  /** Number of the last event that was sent. */
  #sent: number;
  /** The last progress of each task that was not sent yet. */
  readonly #progress = new Map<string, Pick<SessionEvent, "id"> & { done: number; note: string }>();

  constructor(parts: SessionParts, sent: number) {
    this.#o = parts;
    this.#sent = sent;
  }

  get held(): HeldSession {
    return this.#o.held;
  }

  /** Does what is asked for and answers. Throws a `Problem`, or what Redis throws. */
  async handle(message: Asked, owner: KeyOwner): Promise<void> {
    switch (message.type) {
      case "push":
        need(owner, "tasks:push");
        return this.#push(message, owner);
      case "follow":
        need(owner, "tasks:read");
        return this.#answer("followed", message.ref, { following: await this.#follow(message.ids) });
      case "unfollow":
        return this.#unfollow(message);
      case "cancel":
        need(owner, "tasks:cancel");
        return this.#cancel(message);
      case "ack":
        return this.#acknowledge(message);
    }
  }

  /** News of a task's progress; sent with the next `pump`, the last of each task. */
  noteProgress(id: string, done: number, note: string): void {
    this.#progress.set(id, { id, done, note });
  }

  /** Sends the events that are there, as far as the client reads them. */
  async pump(): Promise<void> {
    const { store, held, wire } = this.#o;
    for (let more = true; more; ) {
      const events = await store.read(held.tag, this.#sent, PAGE);
      more = events.length === PAGE;
      for (let from = 0; from < events.length; from += ENDS)
        if (!(await this.#tell(events.slice(from, from + ENDS)))) return;
    }
    for (const id of [...this.#progress.keys()]) {
      if (!(await wire.room())) return;
      // What comes from here on is the next.
      const progress = this.#progress.get(id);
      this.#progress.delete(id);
      if (progress !== undefined)
        this.#send({ type: "event", cursor: String(this.#sent), state: "progress", ...progress });
    }
  }

  /** Whether all were sent. */
  async #tell(events: readonly NumberedEvent[]): Promise<boolean> {
    const { queue, wire } = this.#o;
    const ended = events.filter(({ event }) => isLastState(event.state));
    const outcomes = await queue.results.read(ended.map(({ event }) => event.id));
    const outcomeOf = new Map(ended.map(({ number }, i) => [number, outcomes[i]]));
    for (const { number, event } of events) {
      if (!(await wire.room())) return false;
      if (number > this.#sent + 1)
        this.#send({ type: "gap", after: String(this.#sent), next: String(number) });
      if (event.state !== "running") this.#progress.delete(event.id);
      this.#send({ type: "event", cursor: String(number), ...event, ...shown(outcomeOf.get(number)) });
      this.#sent = number;
    }
    return true;
  }

  async #push({ ref, task, follow = true }: MessageOf<"push">, owner: KeyOwner): Promise<void> {
    const { held, queue, store, count, send } = this.#o;
    await count(owner);
    const id = task.id ?? sessionTaskId(held.tag, ref);
    const tasks = tasksOf({ ...task, id }, undefined);
    const texts = await queue.rules.texts(tasks);
    const isFollowed = follow && owner.verbs.includes("tasks:read");
    // Before the push, so that nothing of it is missed; an end that was told before is not told again.
    if (isFollowed) await this.#follow([id], true);
    try {
      const [pushed] = await send(tasks, (traced) => queue.pushes.push(traced, texts));
      this.#answer("pushed", ref, { ...pushed });
    } catch (error) {
      // Only where it is certain that the task is not in: otherwise the client sends it again and finds it followed.
      if (isFollowed && error instanceof QueueFullError) await store.unfollow(held.tag, [id]);
      throw error;
    }
  }

  async #follow(ids: readonly string[], onlyOpen = false): Promise<number> {
    const { held, store, mostTasks } = this.#o;
    const following = await store.follow(held.tag, ids, onlyOpen);
    if (following === "gone") throw new SessionGone();
    if (following === "many")
      throw new Problem(
        "too-many",
        `a session follows at most ${mostTasks} tasks: unfollow some, or open another`,
      );
    return following;
  }

  async #unfollow({ ref, ids }: MessageOf<"unfollow">): Promise<void> {
    const following = await this.#o.store.unfollow(this.#o.held.tag, ids);
    for (const id of ids) this.#progress.delete(id);
    this.#answer("unfollowed", ref, { following });
  }

  async #cancel({ ref, ids }: MessageOf<"cancel">): Promise<void> {
    const states = await this.#o.queue.producer.cancel(ids);
    this.#answer("cancel", ref, { tasks: ids.map((id, at) => ({ id, state: states[at] })) });
  }

  async #acknowledge({ cursor }: MessageOf<"ack">): Promise<void> {
    const number = Number(cursor);
    if (number > this.#sent)
      throw new Problem("invalid-request", `cursor: ${cursor} was not sent yet; the last is ${this.#sent}`);
    await this.#o.store.acknowledge(this.#o.held.tag, number);
  }

  #answer(type: string, ref: string | undefined, more: object): void {
    this.#send({ type, ...(ref === undefined ? {} : { ref }), ...more });
  }

  #send(message: object): void {
    this.#o.wire.send(JSON.stringify(message));
  }
}

/** Redis does not know the session any more. */
export class SessionGone extends Error {
  override readonly name = "SessionGone";
  constructor() {
    super("no such session: open another");
  }
}

function need({ verbs }: KeyOwner, verb: KeyOwner["verbs"][number]): void {
  if (!verbs.includes(verb)) throw new Problem("forbidden", `this key lacks the verb ${verb}`);
}

/** What goes with the end of a task; nothing where that is gone already. */
function shown(outcome: TaskOutcome | undefined): object {
  if (outcome?.state === "settled") return { result: outcome.result };
  return outcome?.state === "dead" ? { letter: outcome.letter } : {};
}
