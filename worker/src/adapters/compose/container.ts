/** A worker's container, from what `docker container inspect` prints. Pure. */
import { SETTINGS } from "../../../contract/settings.ts";

export interface WorkerContainer {
  /** Twelve hex digits, as the engine shows it. */
  readonly id: string;
  /** Names this run of it: a container may be started again. */
  readonly run: string;
  readonly host: string;
  /** `TASKFLEET_REVISION` that it was started with. */
  readonly revision: string;
  /** `created`: it has not run yet. */
  readonly state: "created" | "running" | "ended";
  /** When it was started, or created; ms since the epoch. */
  readonly startedAt: number;
  readonly exitCode: number;
  /** The kernel ended it, or one of its processes, for its memory limit. */
  readonly oomKilled: boolean;
  /** How long it may take to end when it is asked to, in ms. */
  readonly stopMs: number;
}

const ID_DIGITS = 12;
/** Where the service has no `stop_grace_period`: more than a worker takes by default. */
const STOP_SECONDS = SETTINGS.gracefulShutdownTimeout.default + 30;
const STATES: Readonly<Record<string, WorkerContainer["state"]>> = {
  created: "created",
  running: "running",
  paused: "running",
  restarting: "running",
  exited: "ended",
  dead: "ended",
};

interface Inspected {
  readonly Id: string;
  readonly Created: string;
  readonly State: {
    readonly Status: string;
    readonly StartedAt: string;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
  };
  readonly Config: {
    readonly Hostname: string;
    readonly Env: readonly string[] | null;
    readonly StopTimeout?: number | null;
  };
}

/** As the engine shows a container's id. */
export function shortId(id: string): string {
  return id.slice(0, ID_DIGITS);
}

/** Reads the array that `docker container inspect` prints; those that are being removed are left out. */
export function parseContainers(text: string): WorkerContainer[] {
  return (JSON.parse(text) as readonly Inspected[]).flatMap(({ Id, Created, State, Config }) => {
    const state = STATES[State.Status];
    if (state === undefined) return [];
    const id = shortId(Id);
    const startedAt = Date.parse(state === "created" ? Created : State.StartedAt);
    const variable = `${SETTINGS.revision.env}=`;
    const revision = Config.Env?.find((line) => line.startsWith(variable))?.slice(variable.length) ?? "";
    return {
      ...{ id, run: `${id}@${startedAt}`, host: Config.Hostname, revision, state, startedAt },
      ...{ exitCode: State.ExitCode, oomKilled: State.OOMKilled },
      stopMs: (Config.StopTimeout ?? STOP_SECONDS) * 1000,
    };
  });
}
