/** For one batch, an exporter's own repeats included. */
export const EXPORT_TIMEOUT_MS = 5_000;

/** `name=value` with commas between them; a comma or percent sign in a value is percent-encoded. */
export function parseHeaders(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").map((pair) => {
    const at = pair.indexOf("=");
    return at < 1 ? [] : [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())]];
  });
  return Object.fromEntries(pairs.flat());
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
