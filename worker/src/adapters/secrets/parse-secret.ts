/** The secrets in one text of a store or file. Pure. */

/** A JSON object gives its string fields, by their names; any other text is the one secret called `name`. */
export function parseSecret(text: string, name: string): ReadonlyMap<string, string> {
  const fields = objectFields(text);
  if (fields === undefined) return new Map([[name, text.replace(/\r?\n$/, "")]]);
  return new Map(fields.filter((field): field is [string, string] => typeof field[1] === "string"));
}

function objectFields(text: string): [string, unknown][] | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return Object.entries(JSON.parse(text) as object);
  } catch {
    return undefined;
  }
}
