/** One receiver of spans: what waits for it is bounded, and what it does not take is counted; tasks never wait for it. */
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { redactedSpan } from "./redacted-span.ts";

/** Most spans that wait for a receiver. */
export const MOST_WAITING = 4_096;
const BATCH = 512;
const DELAY_MS = 1_000;
/** An exporter's own time is over before. */
const EXPORT_MS = 10_000;

export interface BoundedExportOptions {
  readonly exporter: SpanExporter;
  readonly redact: (text: string) => string;
  /** So many spans are lost: no room for them, or the receiver did not take them. */
  readonly onDropped: (spans: number, why: string) => void;
  /** Default: 4096. */
  readonly mostWaiting?: number;
}

type Export = SpanExporter["export"];

const TAKEN = 0;

/** Batches of spans for one exporter. A failure is no caller's. */
export class BoundedExport implements SpanProcessor {
  readonly #o: BoundedExportOptions;
  readonly #most: number;
  readonly #batches: BatchSpanProcessor;
  #waiting = 0;
  /** Handed to the exporter, which has not answered. */
  #sending = 0;

  constructor(options: BoundedExportOptions) {
    this.#o = options;
    this.#most = options.mostWaiting ?? MOST_WAITING;
    const exporter: SpanExporter = {
      export: (spans, taken) => this.#export(spans, taken),
      shutdown: () => options.exporter.shutdown(),
    };
    this.#batches = new BatchSpanProcessor(exporter, {
      maxQueueSize: this.#most,
      maxExportBatchSize: Math.min(BATCH, this.#most),
      scheduledDelayMillis: DELAY_MS,
      exportTimeoutMillis: EXPORT_MS,
    });
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & 1) === 0) return;
    if (this.#waiting >= this.#most) {
      this.#o.onDropped(1, "too many wait");
      return;
    }
    this.#waiting++;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  /** Gives what is left to the receiver; resolves when it has answered. */
  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  /** Nobody waits any longer: what was not taken by now is lost. */
  giveUp(): void {
    const left = this.#waiting + this.#sending;
    if (left > 0) this.#o.onDropped(left, "the process ended");
    this.#sending = 0;
    this.#waiting = 0;
  }

  #export(spans: ReadableSpan[], taken: Parameters<Export>[1]): void {
    this.#waiting -= spans.length;
    this.#sending += spans.length;
    let answered = false;
    // Some exporters answer twice.
    const answer = (why: string | null) => {
      if (answered) return;
      answered = true;
      if (this.#sending > 0) {
        this.#sending -= spans.length;
        if (why !== null) this.#o.onDropped(spans.length, why);
      }
      taken({ code: TAKEN });
    };
    const safe = spans.map((span) => redactedSpan(span, this.#o.redact));
    try {
      this.#o.exporter.export(safe, ({ code, error }) => answer(code === TAKEN ? null : textOf(error)));
    } catch (error) {
      answer(textOf(error));
    }
  }
}

function textOf(error: unknown): string {
  if (error === undefined) return "the receiver refused them";
  const { message, code } = error as NodeJS.ErrnoException;
  // A connection that failed to several addresses has no message of its own.
  return message || code || String(error);
}
