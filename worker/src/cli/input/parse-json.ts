import { oneLine } from "../output/terminal.ts";

export type ParsedJson =
  | { readonly value: unknown; readonly problem?: undefined }
  | { readonly problem: string };

/** Parses JSON text; the problem is one line: `not JSON: <what the parser says>`. */
export function parseJson(text: string): ParsedJson {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: `not JSON: ${oneLine(error instanceof Error ? error.message : String(error), 200)}` };
  }
}
