import { InvalidArgumentError } from "commander";
import { SETTINGS } from "../../../contract/settings.ts";
import { FINGERPRINT_PATTERN } from "../../core/error-fingerprint.ts";

/** Words of the option that names a stream, for `command.option(...STREAM)`. */
export const STREAM = [
  "--stream <name>",
  `the queue's stream (default: the first of ${SETTINGS.streams.env})`,
] as const;

/** Option parser: seconds, 0 or more; gives ms. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError("Give seconds, 0 or more, such as 90 or 0.5.");
  return Math.round(value * 1000);
}

/** Option parser: a whole number within bounds. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
    return value;
  };
}

/** Option parser: how many runs a task may have in all. */
export const maxAttempts = wholeNumber(SETTINGS.maxAttempts.min, SETTINGS.maxAttempts.max);

/** Option parser: the fingerprint of a cluster of dead letters. */
export function fingerprint(text: string): string {
  if (!FINGERPRINT_PATTERN.test(text))
    throw new InvalidArgumentError("Give eight hex digits, as `queue dlq clusters` prints them.");
  return text;
}

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Option parser: an age such as `90s`, `5m`, `1.5h` or `2d`; gives ms. */
export function age(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined)
    throw new InvalidArgumentError("Give a number with a unit s, m, h or d, such as 90s, 5m, 1h or 2d.");
  return Math.round(Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS]);
}
