/** Files that logs are written to, at once: what was logged is there when the process ends, however it ends. */
import { mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type DestinationStream, pino } from "pino";

/** What is kept of a log that cannot be written, until it can be. */
const KEPT_BYTES = 64 * 1024;

/** A file's log outlives a full disk: the lines that do not fit in memory meanwhile are lost, and counted. */
export interface LogFile extends DestinationStream {
  /** Calls `tell` with the number of lost lines once the file can be written again. */
  tellDropped(tell: (lines: number) => void): void;
}

type Destination = ReturnType<typeof pino.destination>;

function tellDropped(file: Destination): LogFile["tellDropped"] {
  let dropped = 0;
  file.on("error", () => {});
  file.on("drop", () => {
    dropped += 1;
  });
  return (tell) =>
    void file.on("drain", () => {
      if (dropped > 0) tell(dropped);
      dropped = 0;
    });
}

/** An open file, such as standard output. */
export function openFile(fd: number): LogFile {
  const file = pino.destination({ fd, sync: true, maxLength: KEPT_BYTES });
  return Object.assign(file, { tellDropped: tellDropped(file) });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** `log` becomes `log.1`, `log.1` becomes `log.2`; what is beyond `keep` goes. */
export function putAside(path: string, keep: number): void {
  rmSync(`${path}.${keep}`, { force: true });
  for (let number = keep - 1; number >= 0; number--) {
    const from = number === 0 ? path : `${path}.${number}`;
    if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, `${path}.${number + 1}`);
  }
}

/** A file that is put aside before it becomes longer than `maxBytes`; `keep` such files stay. */
export function rotatingFile(path: string, maxBytes: number, keep: number): LogFile {
  mkdirSync(dirname(path), { recursive: true });
  const file = pino.destination({ dest: path, sync: true, maxLength: KEPT_BYTES });
  let bytes = sizeOf(path);
  const write = (line: string): void => {
    const length = Buffer.byteLength(line);
    if (bytes > 0 && bytes + length > maxBytes) {
      try {
        putAside(path, keep);
        file.reopen();
        bytes = 0;
      } catch {
        // A folder that became read-only: the file goes on growing, and the next line tries again.
      }
    }
    file.write(line);
    bytes += length;
  };
  return { write, tellDropped: tellDropped(file) };
}
