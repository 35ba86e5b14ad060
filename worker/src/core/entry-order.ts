/** Orders stream entry ids (`<ms>-<sequence>`) as the stream does. */
export function compareEntryIds(a: string, b: string): number {
  const [aMs, bMs] = [a.indexOf("-"), b.indexOf("-")];
  if (aMs !== bMs) return aMs - bMs;
  // Numbers of one length compare as texts do.
  if (a.length === b.length) return a < b ? -1 : a > b ? 1 : 0;
  const [aTime, bTime] = [a.slice(0, aMs), b.slice(0, bMs)];
  if (aTime !== bTime) return aTime < bTime ? -1 : 1;
  return a.length - b.length;
}
