import { EXIT } from "../../../contract/exit-codes.ts";
import { Producer } from "../../adapters/redis/producer.ts";
import { expandGlobs, splitNames } from "../input/file-list.ts";
import { readInput } from "../input/read-input.ts";
import type { MapOptions } from "../map.ts";
import { drained } from "../output/drain.ts";
import { statusOf } from "../output/outcome.ts";
import { type ProgressBar, progressBar } from "../output/progress.ts";
import { count } from "../output/units.ts";
import { CliError } from "../report-error.ts";
import { resultsOf, type Session, withSession } from "../session.ts";
import { taskCheck } from "../task-check.ts";
import type { MapFile } from "./batches.ts";
import { fileTask, measure, type ProgramOptions, readMapFile, refuse } from "./file-task.ts";
import { onInterrupt } from "./interrupt.ts";
import { failureLine, mappedJson, printedBy } from "./print-results.ts";
import { type MappedFile, MapStopped, runMap } from "./run-map.ts";

const NAMED_FAILURES = 10;

/** `map`: gives the exit code. */
export async function mapFiles(words: readonly string[], options: MapOptions): Promise<number> {
  const files = measure(await namesOf(options));
  const program: ProgramOptions = {
    command: words,
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
    ...(options.maxAttempts === undefined ? {} : { maxAttempts: options.maxAttempts }),
    ...(options.maxOutput === undefined ? {} : { maxOutputBytes: options.maxOutput }),
  };
  return withSession(options, async (session) => {
    await checkAll(session, files, program);
    const progress = await progressBar("files", options.json !== true);
    return run(session, files, program, { json: options.json === true, progress });
  });
}

async function namesOf({ files, filesFrom, null: nul }: MapOptions): Promise<string[]> {
  if ((files === undefined) === (filesFrom === undefined))
    throw new CliError("say which files: either --files or --files-from", EXIT.usage);
  const names =
    files === undefined
      ? splitNames(await readInput(filesFrom as string), nul === true)
      : await expandGlobs(files);
  if (names.length === 0) throw new CliError("the list of files is empty", EXIT.usage);
  return names;
}

/** Reads every file once and throws it away again: nothing is pushed while one of them would be refused. */
async function checkAll(session: Session, files: readonly MapFile[], program: ProgramOptions): Promise<void> {
  const check = await taskCheck(session);
  const problems = files.flatMap(({ name }) => {
    const [found] = check(fileTask(name, readMapFile(name), program));
    return found === undefined ? [] : [`${JSON.stringify(name)}: ${found}`];
  });
  refuse(problems);
}

interface View {
  readonly json: boolean;
  readonly progress: ProgressBar;
}

async function run(
  session: Session,
  files: readonly MapFile[],
  program: ProgramOptions,
  view: View,
): Promise<number> {
  const { redis, stream, settings } = session;
  const producer = new Producer(redis, stream, {
    resultTtlSeconds: settings.resultTtl,
    maxPayloadBytes: settings.maxPayloadBytes,
  });
  const results = await resultsOf(session);
  const printer = new Printer(view, files.length);
  const interrupt = onInterrupt(view.progress, () => files.length - printer.done);
  view.progress.start(files.length);
  try {
    const open = await runMap(files, {
      taskOf: ({ name }) => fileTask(name, readMapFile(name), program),
      push: (tasks) => session.send(tasks, (traced) => producer.enqueue(traced)),
      wait: (ids, waiting) => results.wait(ids, waiting),
      emit: (ready) => printer.print(ready),
      taken: () => drained(process.stdout),
      signal: interrupt.signal,
    });
    view.progress.stop();
    if (!interrupt.signal.aborted) return printer.summarise();
    await producer.cancel(open);
    process.stderr.write(
      `taskfleet: interrupted: ${count(open.length, "task")} cancelled, ${count(printer.done, "file")} done\n`,
    );
    return EXIT.interrupted;
  } catch (error) {
    view.progress.stop();
    if (!(error instanceof MapStopped)) throw error;
    // Nobody would read their results. Should Redis be away, that error is reported, not this one's.
    await producer.cancel(error.open).catch(() => {});
    throw error.cause;
  } finally {
    interrupt.stop();
  }
}

/** Writes results as they come, bytes as they are, and remembers which files failed. */
class Printer {
  readonly #view: View;
  readonly #total: number;
  readonly #failed: string[] = [];
  #atLineStart = true;
  /** Files whose results are printed. */
  done = 0;

  constructor(view: View, total: number) {
    this.#view = view;
    this.#total = total;
  }

  print(ready: readonly MappedFile[]): void {
    this.done += ready.length;
    this.#view.progress.set(this.done);
    this.#view.progress.aside(() => {
      for (const mapped of ready) this.#printOne(mapped);
      return this.#atLineStart;
    });
  }

  #printOne(mapped: MappedFile): void {
    const failed = statusOf(mapped.outcome) !== "success";
    if (failed) this.#failed.push(mapped.file.name);
    if (this.#view.json) {
      this.#write(process.stdout, Buffer.from(`${mappedJson(mapped)}\n`));
      return;
    }
    const { stdout, stderr } = printedBy(mapped);
    this.#write(process.stdout, stdout);
    this.#write(process.stderr, stderr);
    if (failed) this.#write(process.stderr, Buffer.from(`taskfleet: ${failureLine(mapped)}\n`));
  }

  #write(stream: NodeJS.WriteStream, bytes: Buffer): void {
    if (bytes.length === 0) return;
    stream.write(bytes);
    this.#atLineStart = bytes.at(-1) === 10;
  }

  /** Names what failed; gives the exit code. */
  summarise(): number {
    if (this.#failed.length === 0) return EXIT.ok;
    const named = this.#failed.slice(0, NAMED_FAILURES).map((name) => JSON.stringify(name));
    const rest = this.#failed.length - named.length;
    process.stderr.write(
      `taskfleet: ${this.#failed.length} of ${count(this.#total, "file")} failed: ${named.join(", ")}${rest > 0 ? `, and ${rest} more` : ""}\n`,
    );
    return EXIT.failed;
  }
}
