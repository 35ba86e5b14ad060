/**
 * Limits of the tasks of one kind that run, across all workers of a queue, and their text form, which
 * `TASKFLEET_KIND_LIMITS` holds: `llm=4,llm=100/60s` lets 4 tasks of kind `llm` run at once and 100 start in any
 * 60 seconds. Pure.
 */

export interface RateLimit {
  /** Most starts in any window of `perMs`. */
  readonly tasks: number;
  /** Length of the window, in whole ms. */
  readonly perMs: number;
}

export interface KindLimits {
  /** Most tasks of the kind that run at once. Default: no limit. */
  readonly concurrency?: number;
  /** Most tasks of the kind that start in any window of time. Default: no limit. */
  readonly rate?: RateLimit;
}

/** By kind. */
export type LimitsByKind = ReadonlyMap<string, KindLimits>;

/** What a handler's kind may be. */
export const KIND = /^[A-Za-z0-9._-]{1,64}$/;

export const LIMIT_BOUNDS = {
  concurrency: { min: 1, max: 100_000 },
  tasks: { min: 1, max: 100_000 },
  perMs: { min: 1, max: 86_400_000 },
} as const;

export const LIMIT_FORMS =
  "kind=N for N tasks at once (1 to 100000) and kind=N/Ts for N starts in any T seconds (0.001 to 86400), each once a kind";

type Bounds = (typeof LIMIT_BOUNDS)[keyof typeof LIMIT_BOUNDS];

const ITEM = /^([^=]+)=(\d{1,6})(?:\/(\d{1,5}(?:\.\d{1,3})?)s)?$/;

function isWithin(value: number, { min, max }: Bounds): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

/** What is wrong with a kind's limits, as a handler declares them; `undefined`: nothing. */
export function limitsProblem(limits: KindLimits): "concurrency" | "rate.tasks" | "rate.perMs" | undefined {
  const { concurrency, rate } = limits;
  if (concurrency !== undefined && !isWithin(concurrency, LIMIT_BOUNDS.concurrency)) return "concurrency";
  if (rate === undefined) return undefined;
  if (!isWithin(rate.tasks, LIMIT_BOUNDS.tasks)) return "rate.tasks";
  return isWithin(rate.perMs, LIMIT_BOUNDS.perMs) ? undefined : "rate.perMs";
}

function parseItem(text: string): readonly [string, KindLimits] | undefined {
  const [, kind = "", count, seconds] = ITEM.exec(text) ?? [];
  if (count === undefined || !KIND.test(kind)) return undefined;
  const limits: KindLimits =
    seconds === undefined
      ? { concurrency: Number(count) }
      : { rate: { tasks: Number(count), perMs: Math.round(Number(seconds) * 1000) } };
  return limitsProblem(limits) === undefined ? [kind, limits] : undefined;
}

/** Reads the items of the text form; `wrong` lists those that are none, or that repeat an earlier one. */
export function parseKindLimits(items: readonly string[]): {
  readonly limits: LimitsByKind;
  readonly wrong: readonly string[];
} {
  const limits = new Map<string, KindLimits>();
  const wrong: string[] = [];
  for (const item of items) {
    const [kind, own] = parseItem(item) ?? [];
    const known = kind === undefined ? {} : limits.get(kind);
    const repeats = Object.keys(own ?? {}).some((name) => Object.hasOwn(known ?? {}, name));
    if (kind === undefined || repeats) wrong.push(item);
    else limits.set(kind, { ...known, ...own });
  }
  return { limits, wrong };
}

/** The text form's items, in the order of the kinds: what `parseKindLimits` reads back. */
export function formatKindLimits(limits: LimitsByKind): string[] {
  return [...limits].flatMap(([kind, { concurrency, rate }]) => [
    ...(concurrency === undefined ? [] : [`${kind}=${concurrency}`]),
    ...(rate === undefined ? [] : [`${kind}=${rate.tasks}/${rate.perMs / 1000}s`]),
  ]);
}

/** The limits that count: of each kind the fleet's own, and where it names none the handler's. */
export function effectiveLimits(
  handlers: Iterable<{ readonly kind: string; readonly limits?: KindLimits }>,
  fleet: LimitsByKind,
): LimitsByKind {
  const limits = new Map(fleet);
  for (const { kind, limits: own } of handlers) {
    if (own !== undefined) limits.set(kind, { ...own, ...fleet.get(kind) });
  }
  return limits;
}
