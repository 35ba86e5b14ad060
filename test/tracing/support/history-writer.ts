/** Appends so many lines to a history: `<path> <max> <keep> <its number> <lines>`. */
import { HistoryFile } from "../../../worker/src/history/history-file.ts";

const [path = "", max, keep, writer, count] = process.argv.slice(2);
const file = new HistoryFile(path, Number(max), Number(keep));
for (let at = 0; at < Number(count); at++)
  file.append(`${JSON.stringify({ writer, at, padding: "x".repeat(60) })}\n`);
file.close();
