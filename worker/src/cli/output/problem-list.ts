const MOST_SHOWN = 10;

/** Problems on indented lines of their own, the first ten, and how many more there are. */
export function problemList(problems: readonly string[]): string {
  const shown = problems.slice(0, MOST_SHOWN).map((problem) => `\n  ${problem}`);
  const more = problems.length - shown.length;
  return `${shown.join("")}${more > 0 ? `\n  and ${more} more` : ""}`;
}
