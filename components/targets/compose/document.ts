import type { ProjectFile } from "../../platform/project-file.ts";

/** One service of the project, as the provider and `verify` need to know it. */
export interface ComposeServicePlan {
  readonly name: string;
  /** Its replica count is `watch-queue`'s to say: an output, never a diff. Every other service has a fixed one. */
  readonly scaled: boolean;
  /** Its definition has `${WORKER_...}`: a value from the shell is no drift. */
  readonly interpolated: boolean;
  readonly replicas: number;
}

/** A fleet as a Compose project. Texts may hold references, see `components/targets/references.ts`. */
export interface ComposeDocument {
  /** Compose's project name. */
  readonly project: string;
  /** `compose.yaml`, `.env` and all that they name, relative to the project's folder. */
  readonly files: readonly ProjectFile[];
  readonly services: readonly ComposeServicePlan[];
  /** Longest that a service needs to become healthy, in seconds. */
  readonly readySeconds: number;
  /** Longest that a worker may need to finish its tasks, in seconds. */
  readonly stopSeconds: number;
  /** How long the task of a dead worker waits at most, in words. */
  readonly lostTasks: string;
}
