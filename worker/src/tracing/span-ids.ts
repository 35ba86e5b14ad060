/** Ids of spans. That of an attempt follows from its task and entry, so that a later attempt can name it. */
import { createHash } from "node:crypto";
import { type IdGenerator, RandomIdGenerator } from "@opentelemetry/sdk-trace-base";
import type { DeliveredTask } from "../core/task.ts";

function digits(text: string, count: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, count);
}

/** 16 hex digits for the attempt that an entry of this task stands for. */
export function attemptSpanId({ stream, id }: Pick<DeliveredTask, "stream" | "id">, entryId: string): string {
  return digits(`span ${stream} ${id} ${entryId}`, 16);
}

/** 32 hex digits for a task whose push was not traced: all its attempts are of one trace. */
export function taskTraceId({ stream, id, enqueuedAt }: DeliveredTask): string {
  return digits(`trace ${stream} ${id} ${enqueuedAt}`, 32);
}

/** Random ids, but for the span that starts next after `plan`. */
export class PlannedIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #span: string | undefined;
  #trace: string | undefined;

  plan(spanId: string, traceId: string): void {
    this.#span = spanId;
    this.#trace = traceId;
  }

  generateSpanId(): string {
    const planned = this.#span;
    this.#span = undefined;
    // The span that this trace was planned for was no root.
    if (planned === undefined) this.#trace = undefined;
    return planned ?? this.#random.generateSpanId();
  }

  /** Asked after the span's id, and only for a root. */
  generateTraceId(): string {
    const planned = this.#trace;
    this.#trace = undefined;
    return planned ?? this.#random.generateTraceId();
  }
}
