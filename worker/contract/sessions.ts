/** What the API and its clients agree on for sessions over WebSocket. */

/** The subprotocol to ask for. */
export const SESSION_PROTOCOL = "taskfleet.v1";
/** Before a key that comes as a further subprotocol, for clients that cannot set headers. */
export const SESSION_KEY_PROTOCOL = "bearer.";
export const SESSION_PATH = "/api/session";

/** How a task stands; `unknown`: no task has the id, or none any more. The last four end it. */
export const FOLLOWED_STATES = [
  "unknown",
  "queued",
  "running",
  "progress",
  "retrying",
  "succeeded",
  "failed",
  "cancelled",
  "dead",
] as const;
export type FollowedState = (typeof FOLLOWED_STATES)[number];

/** States after which a task is followed no more. */
export function isLastState(state: FollowedState): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled" || state === "dead";
}

/** Why the server closes a connection, by WebSocket close code; docs/api.md says which sessions may be resumed. */
export const SESSION_CLOSE = {
  restart: { code: 1012, reason: "the server stops: resume elsewhere" },
  slow: { code: 1013, reason: "slow reader" },
  protocol: { code: 4400, reason: "the first message opens or resumes a session" },
  unauthorized: { code: 4401, reason: "the key does not count any more" },
  gone: { code: 4404, reason: "no such session: open another" },
  idle: { code: 4408, reason: "idle for too long" },
  total: { code: 4409, reason: "the session's time is over" },
  taken: { code: 4410, reason: "resumed on another connection" },
  many: { code: 4429, reason: "too many sessions of this key" },
} as const;
export type SessionClose = keyof typeof SESSION_CLOSE;
/** The close code after a message over the bound; the WebSocket library sends it. */
export const SESSION_TOO_LARGE = 1009;

/** What a script tells of a task's change, the JSON in an entry of a session's stream. Times in ms since the epoch. */
export interface SessionEvent {
  readonly id: string;
  readonly state: FollowedState;
  readonly at: number;
  /** Which run, from 1. */
  readonly attempt?: number;
  /** Of a `queued` task: pushed, released, reclaimed or requeued. */
  readonly why?: string;
  readonly due_at?: number;
  readonly started_at?: number;
  readonly finished_at?: number;
  /** Of a failure. */
  readonly reason?: string;
  readonly message?: string;
}
