import Table from "cli-table3";
import { paint } from "./terminal.ts";

const NO_BORDERS = Object.fromEntries(
  ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
    .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid"])
    .map((name) => [name, ""]),
);

/** Rows under a line of headings, aligned, without borders. `right`: columns to align right, by index. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [], indent = "" }: { right?: readonly number[]; indent?: string } = {},
): string {
  const drawn = new Table({
    head: head.map((name) => paint("dim", name)),
    chars: { ...NO_BORDERS, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    colAligns: head.map((_, column) => (right.includes(column) ? "right" : "left")),
  });
  for (const row of rows) drawn.push([...row]);
  return lines(drawn.toString(), indent);
}

/** Names and values, one pair a line, values aligned. */
export function pairs(values: readonly (readonly [string, string])[], indent = ""): string {
  const width = Math.max(0, ...values.map(([name]) => name.length));
  return values.map(([name, value]) => `${indent}${paint("dim", name.padEnd(width))}  ${value}\n`).join("");
}

function lines(text: string, indent: string): string {
  return text
    .split("\n")
    .map((line) => `${indent}${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join("");
}
