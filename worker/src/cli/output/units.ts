const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A duration in ms for people, two units at most: `0 ms`, `840 ms`, `12.3 s`, `4 m 05 s`, `2 h 10 m`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  const spent = Math.max(0, ms);
  if (Math.round(spent) < SECOND) return `${Math.round(spent)} ms`;
  // 59.95 s and more would be rounded to "60.0 s".
  if (spent < MINUTE - 50) return `${(spent / SECOND).toFixed(1)} s`;
  if (spent < HOUR - SECOND / 2) return split(spent, MINUTE, "m", SECOND, "s");
  if (spent < DAY - MINUTE / 2) return split(spent, HOUR, "h", MINUTE, "m");
  return split(spent, DAY, "d", HOUR, "h");
}

function split(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const smalls = Math.round(ms / small);
  const perBig = big / small;
  const rest = String(smalls % perBig).padStart(2, "0");
  return `${Math.floor(smalls / perBig)} ${bigName} ${rest} ${smallName}`;
}

/** `1 task`, `2 tasks`, `12,345 tasks`. */
export function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount.toLocaleString("en-US")} ${amount === 1 ? one : many}`;
}
