import { isDeepStrictEqual } from "node:util";
import { HostError } from "../errors.ts";
import { PartlyMadeError } from "../partly-made.ts";
import type { Changes, ResourceType } from "../resource-type.ts";
import { bringUp, type Progress } from "./bring-up.ts";
import type { ComposeEngine } from "./compose-engine.ts";
import { observe } from "./observe.ts";
import { withEngine } from "./open-host.ts";
import {
  type ComposeProjectInputs,
  type ComposeProjectState,
  checkProject,
  IDENTITY,
  type RecordedProject,
} from "./project-inputs.ts";
import { type ProjectRecord, removeProjectRecord, writeProjectRecord } from "./project-record.ts";
import { takeDown } from "./take-down.ts";

/** Set by `taskfleet down --delete-data`: the volumes go, whatever the state says. */
export const DELETE_DATA_VARIABLE = "TASKFLEET_DOWN_DELETE_DATA";

function changedInputs(olds: ComposeProjectInputs, news: ComposeProjectInputs) {
  const keys = Object.keys(news) as (keyof ComposeProjectInputs)[];
  return keys.filter((key) => !isDeepStrictEqual(olds[key], news[key]));
}

/** Where only the drift changes, the engine's preview shows nothing: it is said in a line. */
function report(project: string, drift: ComposeProjectState["drift"]): void {
  const lines = Object.entries(drift).map(([what, how]) => `${what}: ${how}`);
  if (lines.length > 0) console.error(`project ${project} is not as it was brought up: ${lines.join("; ")}`);
}

function diff(olds: RecordedProject, news: ComposeProjectInputs): Changes {
  const changed = changedInputs(olds, news);
  const { drift = {} } = olds;
  report(olds.project, drift);
  return {
    changes: changed.length > 0 || Object.keys(drift).length > 0,
    replaces: changed.filter((key) => IDENTITY.includes(key)),
  };
}

const UNFINISHED = { update: "was not finished" };

/** Says what there is of a project that could not be brought up. Of one that was not begun, nothing. */
async function partlyMade(
  engine: ComposeEngine,
  inputs: ComposeProjectInputs,
  progress: Progress,
  error: unknown,
): Promise<unknown> {
  const { folder } = progress;
  if (folder === "" || !(error instanceof HostError)) return error;
  const containers = (await engine.containers()).length;
  const there = `its files in ${folder}, ${containers === 1 ? "1 container" : `${containers} containers`}`;
  const message = `${error.message}\nSo far there is of project ${inputs.project}: ${there}. The next update goes on from there; down removes it.`;
  const state: ComposeProjectState = { ...progress, drift: UNFINISHED, replicas: {}, published: {} };
  return new PartlyMadeError(message, inputs.project, state, error);
}

function apply(inputs: ComposeProjectInputs, gone: readonly string[]): Promise<ComposeProjectState> {
  return withEngine(inputs, async (engine) => {
    const progress: Progress = { folder: "", imageIds: {}, variables: {} };
    await writeProjectRecord(inputs, gone);
    try {
      await bringUp(engine, inputs, gone, progress);
      return await observe(engine, inputs, progress);
    } catch (error) {
      throw await partlyMade(engine, inputs, progress, error);
    }
  });
}

function update(olds: RecordedProject, news: ComposeProjectInputs): Promise<ComposeProjectState> {
  const kept = new Set([".env", ...Object.keys(news.files)]);
  return apply(
    news,
    Object.keys(olds.files).filter((path) => !kept.has(path)),
  );
}

function recordOf(state: RecordedProject): ProjectRecord {
  return { ...state, files: [...new Set([...Object.keys(state.files), ".env"])] };
}

async function remove(state: RecordedProject): Promise<void> {
  const deleteData = state.deleteData || process.env[DELETE_DATA_VARIABLE] === "true";
  const { volumes } = await withEngine(state, (engine) => takeDown(engine, recordOf(state), deleteData));
  // With volumes left, `down --delete-data` wants to know where they are.
  if (volumes.length === 0) await removeProjectRecord(state.record);
}

/** `taskfleet:host:ComposeProject`: a Compose project on an engine here or over SSH, healed by the next update. */
export const composeProject: ResourceType<ComposeProjectInputs, ComposeProjectState> = {
  secretOutputs: [],
  noSecretsIn: ["project", "directory", "host", "services", "images", "record"],
  check: checkProject,
  diff,
  create: async (inputs) => ({ id: inputs.project, state: await apply(inputs, []) }),
  read: (state) => withEngine(state, (engine) => observe(engine, state, state)),
  update,
  delete: remove,
};
