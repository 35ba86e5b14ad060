import { shellQuote } from "../shell-quote.ts";

/** One `export` line a variable, for `eval` in sh, bash and zsh. */
export function shellExports(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}\n`)
    .join("");
}
