/** Edits (insert, delete, replace) that turn one word into the other. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...from].entries()) {
    const current = [row + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      const shorter = Math.min((previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1);
      current.push(Math.min(replaced, shorter));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}

/** The name that a misspelt one most likely meant; `undefined` when none is near. */
export function nearestName(misspelt: string, names: readonly string[]): string | undefined {
  const plain = misspelt.toLowerCase().replaceAll(/[-_]/g, "");
  const ranked = names
    .map((name) => ({ name, distance: editDistance(plain, name.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, misspelt.length / 3) ? best.name : undefined;
}
