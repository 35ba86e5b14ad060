import { HostError } from "../errors.ts";
import type { ProjectContainer } from "./compose-engine.ts";

/** Another folder's containers under the same name would be taken for ours. */
export function refuseOthers(project: string, folder: string, containers: readonly ProjectContainer[]): void {
  const other = containers.find(({ workingDirectory }) => workingDirectory !== folder);
  if (other !== undefined)
    throw new HostError(
      `project ${project} is up from ${other.workingDirectory} (container ${other.name}): take that down ` +
        `(docker compose -p ${project} down), or name this one otherwise`,
    );
}
