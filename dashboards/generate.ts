/** Writes the boards as JSON beside this file: `npm run dashboards`. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { board } from "./board.ts";
import { costBoard } from "./boards/cost.ts";
import { mainBoard } from "./boards/main.ts";
import { runbooksBoard } from "./boards/runbooks.ts";

/** `file` is relative to this folder. */
export interface GeneratedBoard {
  readonly file: "main.json" | "cost.json" | "runbooks.json";
  readonly content: string;
}

const PAGES = new URL("../docs/runbooks/", import.meta.url);
const text = (built: object) => `${JSON.stringify(built, null, 2)}\n`;

/** All boards as they are to stand in the files. */
export function generatedBoards(): readonly GeneratedBoard[] {
  const page = (alert: string) => readFileSync(new URL(`${alert}.md`, PAGES), "utf8");
  return [
    { file: "main.json", content: text(board(mainBoard)) },
    { file: "cost.json", content: text(board(costBoard)) },
    { file: "runbooks.json", content: text(runbooksBoard(page)) },
  ];
}

export function write(): void {
  for (const { file, content } of generatedBoards())
    writeFileSync(fileURLToPath(new URL(file, import.meta.url)), content);
}

if (import.meta.main) write();
