import { type Matcher, matches } from "./promql.ts";

/** Of which streams and kinds a query tells, and over which range its rates are taken. */
export interface Scope {
  readonly stream: { readonly stream?: Matcher };
  readonly kind: { readonly kind?: Matcher };
  /** PromQL duration, or a variable of Grafana's. */
  readonly window: string;
}

/** Everything there is: alerts. */
export const everything = (window = ""): Scope => ({ stream: {}, kind: {}, window });

/** What the board's variables choose. */
export const BOARD: Scope = {
  stream: { stream: matches("$stream") },
  kind: { kind: matches("$kind") },
  window: "$__rate_interval",
};

/** The same, over the whole time that the board shows. */
export const BOARD_RANGE: Scope = { ...BOARD, window: "$__range" };
