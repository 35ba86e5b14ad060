/** What roles ask of tracing. This module loads nothing of OpenTelemetry: see `open-tracing.ts`. */
import type { Enqueued } from "../adapters/redis/producer.ts";
import type { DeliveredTask, NewTask } from "../core/task.ts";
import type { Outcome } from "../runtime/outcome.ts";

/** As log records have them; nothing where there is no span. */
export type SpanIds =
  | { readonly trace_id: string; readonly span_id: string }
  | Readonly<Record<string, never>>;

/** The spans of a worker's attempts: from the handler's start to its end, and of what is then written to the queue. */
export interface AttemptTraces {
  /** The task's handler is called next. */
  began(task: DeliveredTask): void;
  /** Makes a call in which the attempt's span is the active one. */
  run<T>(task: DeliveredTask, call: () => T): T;
  /** The attempt's span, for calls that belong to it. */
  traceparent(task: DeliveredTask): string | undefined;
  ids(task: DeliveredTask): SpanIds;
  /** How it ended, also of a task whose handler was never called. `thrown`: by the handler. */
  ended(outcome: Outcome, thrown?: unknown): void;
  /** The queue took or refused the end. */
  written(task: DeliveredTask, accepted: boolean): void;
}

/** A trace that a push belongs to. */
export interface PushParent {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

type Push = (tasks: readonly NewTask[]) => Promise<Enqueued[]>;

/** The spans of pushes. */
export interface SendTraces {
  /** Makes a push whose tasks carry the trace. `parent`: theirs where they name none of their own. */
  send(stream: string, tasks: readonly NewTask[], push: Push, parent?: PushParent): Promise<Enqueued[]>;
}

/** A request that is being served; its spans end with it. */
export interface RequestSpan {
  readonly ids: SpanIds;
  /** For what the request pushes. */
  readonly parent: PushParent;
  end(status: number, route: string): void;
}

export interface RequestTraces {
  began(method: string, path: string, headers: PushParent): RequestSpan;
}

/** Spans that no receiver took so far. */
export interface Tracing {
  readonly attempts: AttemptTraces;
  readonly sends: SendTraces;
  readonly requests: RequestTraces;
  readonly dropped: number;
  /** Sends what is left, for at most 2 s. */
  stop(): Promise<void>;
}

const NO_IDS: SpanIds = {};

/** Tracing is off. */
export const UNTRACED: Tracing = {
  attempts: {
    began: () => {},
    run: (_task, call) => call(),
    traceparent: () => undefined,
    ids: () => NO_IDS,
    ended: () => {},
    written: () => {},
  },
  sends: { send: (_stream, tasks, push) => push(tasks) },
  requests: { began: () => ({ ids: NO_IDS, parent: {}, end: () => {} }) },
  dropped: 0,
  stop: async () => {},
};
