/** Where the pages about alerts are, unless the stack says another place: in the repository. */
export const RUNBOOKS = "docs/runbooks";

/** A page's address is derived from the alert's name. */
export const runbookUrl = (alert: string, base = RUNBOOKS): string => `${base}/${alert}.md`;
