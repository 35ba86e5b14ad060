import { isDeepStrictEqual } from "node:util";
import { removeFile, removeTree } from "./host-files.ts";
import { releasePort, reservePort } from "./ports.ts";
import { areIntact, writeFiles } from "./process-files.ts";
import { isAlive, type ProcessIdentity } from "./process-identity.ts";
import { checkProcess, IDENTITY, IN_PLACE, type ProcessInputs, type ProcessState } from "./process-inputs.ts";
import { readRecord, removeRecord } from "./process-record.ts";
import type { Changes, ResourceType } from "./resource-type.ts";
import { checkStart } from "./start-check.ts";
import { startProcess } from "./start-process.ts";
import { stopProcess } from "./stop-process.ts";

type Recorded = ProcessInputs & ProcessState;

function identityOf({ pid, startTime }: ProcessState): ProcessIdentity {
  return { pid, start: startTime };
}

/**
 * Starts the process on the port that it had before, where that is free. One that an interrupted update
 * left behind is stopped first: two servers must never write the same data.
 */
async function start(inputs: ProcessInputs): Promise<ProcessState> {
  const { name, directory, stop } = inputs;
  const record = await readRecord(directory, name);
  if (record !== null) await stopProcess(name, record, stop);
  const port = await reservePort(inputs.port, record?.port);
  try {
    const { pid, start: startTime } = await startProcess(inputs, port);
    return {
      running: true,
      pid,
      startTime,
      boundPort: port,
      address: `127.0.0.1:${port}`,
      filesIntact: true,
    };
  } finally {
    releasePort(port);
  }
}

function changedInputs(olds: ProcessInputs, news: ProcessInputs): readonly (keyof ProcessInputs)[] {
  const keys = Object.keys(news) as (keyof ProcessInputs)[];
  return keys.filter((key) => !isDeepStrictEqual(olds[key], news[key]));
}

function diff(olds: Recorded, news: ProcessInputs): Changes {
  const changed = changedInputs(olds, news);
  const replaces = changed.filter((key) => IDENTITY.includes(key));
  return { changes: changed.length > 0 || !olds.running || !olds.filesIntact, replaces };
}

async function update(olds: Recorded, news: ProcessInputs): Promise<ProcessState> {
  const { running, pid, startTime, boundPort, address } = olds;
  const inPlace = changedInputs(olds, news).every((key) => IN_PLACE.includes(key));
  if (running && inPlace && isAlive(identityOf(olds))) {
    if (!olds.filesIntact) await writeFiles(news.files, boundPort);
    return { running, pid, startTime, boundPort, address, filesIntact: true };
  }
  if (running && isAlive(identityOf(olds))) await checkStart(news, boundPort);
  await stopProcess(olds.name, identityOf(olds), olds.stop);
  const kept = new Set(news.files.map(({ path }) => path));
  for (const { path } of olds.files.filter((file) => !kept.has(file.path))) await removeFile(path);
  return start(news);
}

/** A process is found by pid and start time; one that is gone stays in the state as not running. */
async function read(state: Recorded): Promise<Partial<ProcessState>> {
  const filesIntact = await areIntact(state.files, state.boundPort);
  if (isAlive(identityOf(state))) return { filesIntact };
  return { filesIntact, running: false, pid: 0, startTime: 0 };
}

/** The record may name another process than the state: one of an update that was cut off before it saved. */
async function remove(state: Recorded): Promise<void> {
  const record = await readRecord(state.directory, state.name);
  if (record !== null) await stopProcess(state.name, record, state.stop);
  await stopProcess(state.name, identityOf(state), state.stop);
  for (const { path } of state.files) await removeFile(path);
  if (state.deleteData) for (const folder of state.data) await removeTree(folder);
  await removeRecord(state.directory, state.name);
}

/** `taskfleet:host:Process`: a process that outlives the update and is healed by the next one. */
export const localProcess: ResourceType<ProcessInputs, ProcessState> = {
  secretOutputs: [],
  noSecretsIn: ["name", "directory", "command", "args", "log", "data"],
  check: checkProcess,
  diff,
  create: async (inputs) => ({ id: inputs.name, state: await start(inputs) }),
  read,
  update,
  delete: remove,
};
