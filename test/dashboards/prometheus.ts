/** A real Prometheus and a real Alertmanager on free loopback ports. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quietPort } from "../support/quiet-port.ts";
import { waitFor } from "../support/wait.ts";

export interface Watcher {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  stop(): Promise<void>;
}

/** One time series of an answer. */
export interface ResultSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

export interface RuleState {
  readonly name: string;
  /** `ok`, `err` or, before the first evaluation, `unknown`. */
  readonly health: string;
  readonly lastError?: string;
  readonly state: string;
}

/** Starts a program that listens on `address` and answers `/-/ready`; its files lie in a folder of its own. */
async function startWatcher(
  program: string,
  files: Readonly<Record<string, string>>,
  args: (folder: string, address: string) => readonly string[],
): Promise<Watcher> {
  const folder = mkdtempSync(join(tmpdir(), `taskfleet-${program}-`));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const address = `127.0.0.1:${await quietPort()}`;
  const child = spawn(program, args(folder, address), { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  await Promise.race([
    once(child, "spawn"),
    once(child, "error").then(([error]) => Promise.reject(error as Error)),
  ]);
  await waitFor(`${program} to be ready`, async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${log}`);
    return answers(`http://${address}/-/ready`);
  });
  return {
    address,
    stop: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

export async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}

export class TestPrometheus {
  readonly watcher: Watcher;
  readonly #startedAt = Date.now();

  private constructor(watcher: Watcher) {
    this.watcher = watcher;
  }

  /** `config` names its rules as `rules.yml`. */
  static async start(config: string, rules: string): Promise<TestPrometheus> {
    const watcher = await startWatcher(
      "prometheus",
      { "prometheus.yml": config, "rules.yml": rules },
      (folder, address) => [
        `--config.file=${join(folder, "prometheus.yml")}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=${address}`,
      ],
    );
    return new TestPrometheus(watcher);
  }

  /** All that the expression gave from the start until now, second by second. @throws Error where it is refused. */
  async range(expr: string): Promise<readonly ResultSeries[]> {
    const times = { start: String(this.#startedAt / 1000), end: String(Date.now() / 1000), step: "1" };
    const data = await this.#ask("query_range", { query: expr, ...times });
    return (data as { result: readonly ResultSeries[] }).result;
  }

  /** The label sets of the series that a selector finds. */
  async series(selector: string): Promise<readonly Readonly<Record<string, string>>[]> {
    return (await this.#ask("series", { "match[]": selector })) as readonly Record<string, string>[];
  }

  async rules(): Promise<readonly RuleState[]> {
    const data = (await this.#ask("rules", {})) as { groups: readonly { rules: readonly RuleState[] }[] };
    return data.groups.flatMap(({ rules }) => rules);
  }

  async #ask(path: string, words: Readonly<Record<string, string>>): Promise<unknown> {
    const url = `http://${this.watcher.address}/api/v1/${path}?${new URLSearchParams(words)}`;
    const answer = (await (await fetch(url)).json()) as { status: string; error?: string; data: unknown };
    if (answer.status !== "success") throw new Error(`${words.query ?? path}: ${answer.error}`);
    return answer.data;
  }
}

export function startAlertmanager(config: string): Promise<Watcher> {
  return startWatcher("prometheus-alertmanager", { "alertmanager.yml": config }, (folder, address) => [
    `--config.file=${join(folder, "alertmanager.yml")}`,
    `--storage.path=${join(folder, "data")}`,
    `--web.listen-address=${address}`,
    "--cluster.listen-address=",
  ]);
}
