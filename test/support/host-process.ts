import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localProcess } from "../../components/hosts/local-process.ts";
import { identify, signalProcess } from "../../components/hosts/process-identity.ts";
import type { ProcessInputs, ProcessState } from "../../components/hosts/process-inputs.ts";
import { quietPort } from "./quiet-port.ts";

/** A process under test: what the provider recorded of it. */
export type Recorded = ProcessInputs & ProcessState;

/** A small HTTP server; extra statements run before it listens. */
export function serverProgram(before = ""): readonly string[] {
  const listen = `require("node:http").createServer((request, answer) => answer.end("fine")).listen({port}, "127.0.0.1");`;
  return ["-e", `${before}${listen}`];
}

/** A host with folders of its own, whose processes are gone when it is. */
export class TestHost {
  readonly directory = mkdtempSync(join(tmpdir(), "taskfleet-host-"));

  /** Inputs of a small HTTP server on a port that is free now. */
  async inputs(changes: Partial<ProcessInputs> = {}): Promise<ProcessInputs> {
    return {
      name: "server",
      directory: join(this.directory, "work"),
      command: process.execPath,
      args: serverProgram(),
      environment: {},
      files: [],
      port: { kind: "preferred", port: await quietPort() },
      ready: { kind: "http", path: "/", timeoutSeconds: 15 },
      stop: { signal: "SIGTERM", timeoutSeconds: 10 },
      log: join(this.directory, "logs", "server.log"),
      data: [],
      deleteData: false,
      ...changes,
    };
  }

  async create(inputs: ProcessInputs): Promise<Recorded> {
    const { state } = await localProcess.create(inputs);
    return { ...inputs, ...state };
  }

  async update(olds: Recorded, news: ProcessInputs): Promise<Recorded> {
    return { ...news, ...(await localProcess.update(olds, news)) };
  }

  async refresh(state: Recorded): Promise<Recorded> {
    return { ...state, ...(await localProcess.read(state)) };
  }

  /** The processes that work in a folder of this host, recorded or not. */
  pids(): readonly number[] {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(this.directory) && identify(pid) !== null;
      } catch {
        return false;
      }
    });
  }

  close(): void {
    for (const one of this.pids().map(identify)) if (one !== null) signalProcess(one, "SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Ends the process and returns when it is gone. */
export async function killNow({ pid, startTime }: Recorded): Promise<void> {
  process.kill(pid, "SIGKILL");
  while (identify(pid)?.start === startTime) await new Promise((resolve) => setImmediate(resolve));
}
