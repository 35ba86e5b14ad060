import { withEngine } from "../../hosts/compose/open-host.ts";
import {
  type ProjectRecord,
  readProjectRecord,
  removeProjectRecord,
} from "../../hosts/compose/project-record.ts";
import { type TakenDown, takeDown } from "../../hosts/compose/take-down.ts";
import { removeFile, removeTree } from "../../hosts/host-files.ts";
import type { ClientPaths } from "./client-files.ts";

/**
 * Takes down what updates that were cut off before they saved their state left of a stack's project, and removes the
 * files for clients. `null` where nothing is recorded.
 */
export async function takeDownLeftovers(
  paths: ClientPaths & { readonly composeRecord: string },
  deleteData: boolean,
): Promise<TakenDown | null> {
  for (const file of [paths.clientEnv, paths.databaseEnv, paths.apiEnv]) await removeFile(file);
  await removeTree(paths.secrets);
  const record = await readProjectRecord(paths.composeRecord);
  if (record === null) return null;
  const left = await withEngine(record, (engine) => takeDown(engine, record, deleteData));
  if (left.volumes.length === 0) await removeProjectRecord(paths.composeRecord);
  return left;
}

/** What `down` found and left, in words. `record`: of before. */
export function describeLeftovers(
  left: TakenDown | null,
  record: ProjectRecord | null,
  deleteData: boolean,
): string {
  const containers = left?.containers ?? [];
  const found =
    containers.length === 0 ? "" : `an interrupted update had left ${containers.join(", ")}: removed; `;
  const folder =
    left === null || left.folderGone ? "" : `; ${left.folder} stays, for it holds files of others`;
  const volumes = left?.volumes ?? [];
  if (volumes.length > 0) return `${found}the data stays in the volumes ${volumes.join(", ")}${folder}`;
  const data = deleteData ? "its volumes are removed" : "it has no volumes";
  return `${found}${record === null ? "there was no project" : data}${folder}`;
}
