import { stripVTControlCharacters, styleText } from "node:util";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Whether a stream shows colours: a terminal, and nobody set `NO_COLOR`. */
export function hasColour(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env.NO_COLOR === undefined || env.NO_COLOR === "");
}

/** Text in a style when standard output shows colours, else as it is. */
export function paint(style: Style, text: string): string {
  return hasColour(process.stdout, process.env) ? styleText(style, text, { validateStream: false }) : text;
}

/** Foreign text made safe for one line of a terminal: no control characters, cut to `width`. */
export function oneLine(text: string, width = 120): string {
  const clean = Array.from(stripVTControlCharacters(text).replace(/\p{Cc}+/gu, " "));
  return clean.length <= width ? clean.join("") : `${clean.slice(0, width - 1).join("")}…`;
}
