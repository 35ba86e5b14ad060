/** Aborts at the first SIGTERM or SIGINT, with the signal's name as its reason; each of them is told. */
export function stopSignal(tell: (signal: string) => void): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const)
    process.on(name, () => {
      tell(name);
      stop.abort(name);
    });
  return stop.signal;
}
