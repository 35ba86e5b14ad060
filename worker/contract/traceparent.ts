/** Trace contexts as tasks, requests and variables carry them: the headers of W3C Trace Context, version 00. */

/** `00-<trace id>-<span id>-<flags>`; neither id is all zeros. */
export const TRACEPARENT_PATTERN = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;
/** What systems beside ours add; up to 512 visible characters. */
export const TRACESTATE_PATTERN = /^[\x20-\x7e]{1,512}$/;

export interface TraceParent {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Bit 1: the trace is sampled. */
  readonly flags: number;
}

/** `undefined` for what is none, or of a version that this one does not know. */
export function parseTraceParent(text: unknown): TraceParent | undefined {
  if (typeof text !== "string") return undefined;
  const [, traceId, spanId, flags] = TRACEPARENT_PATTERN.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

export function formatTraceParent({ traceId, spanId, flags }: TraceParent): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}

export function isTraceParent(text: unknown): text is string {
  return parseTraceParent(text) !== undefined;
}

export function isTraceState(text: unknown): text is string {
  return typeof text === "string" && TRACESTATE_PATTERN.test(text);
}
