/** Durations and sizes as people write them. */

/** Seconds of one unit. */
const DURATION_UNITS = { ms: 0.001, s: 1, min: 60, h: 3600, d: 86_400 } as const;
/** Bytes of one unit. */
const SIZE_UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

export type DurationUnit = keyof typeof DURATION_UNITS;
export type SizeUnit = keyof typeof SIZE_UNITS;

/** A bare number is seconds. Otherwise a number and its unit: `"45 s"`, `"500 ms"`, `"5 min"`, `"1 h"`, `"7 d"`. */
export type Duration = number | `${number} ${DurationUnit}`;

/** A bare number is bytes. Otherwise a number and its unit: `"512 MiB"`, `"2 GiB"`. */
export type Size = number | `${number} ${SizeUnit}`;

export const DURATION_FORMS = `seconds, or text such as "45 s" (${Object.keys(DURATION_UNITS).join(", ")})`;
export const SIZE_FORMS = `bytes, or text such as "512 MiB" (${Object.keys(SIZE_UNITS).join(", ")})`;

const QUANTITY = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/;

function parseQuantity(value: unknown, units: Readonly<Record<string, number>>): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== "string") return undefined;
  const match = QUANTITY.exec(value.trim());
  const [, amount, unit] = match ?? [];
  if (amount === undefined || unit === undefined || !Object.hasOwn(units, unit)) return undefined;
  const factor = units[unit];
  if (factor === undefined) return undefined;
  // Units below 1 divide, so that "100 ms" is 0.1 and not 0.1000…1.
  return factor < 1 ? Number(amount) / Math.round(1 / factor) : Number(amount) * factor;
}

/** Seconds, or `undefined` when the value is not a duration. */
export function parseDuration(value: unknown): number | undefined {
  return parseQuantity(value, DURATION_UNITS);
}

/** Whole bytes, or `undefined` when the value is not a size. */
export function parseSize(value: unknown): number | undefined {
  const bytes = parseQuantity(value, SIZE_UNITS);
  return bytes === undefined ? undefined : Math.floor(bytes);
}

function formatQuantity(amount: number, units: Readonly<Record<string, number>>, least: string): string {
  const whole = Object.entries(units)
    .toReversed()
    .find(([, factor]) => amount >= factor && Number.isInteger(amount / factor));
  const [unit, factor] = whole ?? [least, units[least] ?? 1];
  return `${amount / factor} ${unit}`;
}

/** In the largest unit that gives a whole number: 300 → `5 min`, 0.5 → `500 ms`. */
export function formatDuration(seconds: number): string {
  if (seconds === 0 || seconds >= 1) return formatQuantity(seconds, DURATION_UNITS, "s");
  return `${Math.round(seconds * 1_000_000) / 1000} ms`;
}

/** In the largest unit that gives a whole number: 536870912 → `512 MiB`. */
export function formatSize(bytes: number): string {
  return formatQuantity(bytes, SIZE_UNITS, "B");
}
