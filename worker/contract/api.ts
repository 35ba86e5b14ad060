/** What the API and its clients agree on besides the OpenAPI document: what keys may do, and its errors. */

/** What a key may be allowed to do; routes name the one that they need. */
export const API_VERBS = [
  "tasks:push",
  "tasks:read",
  "tasks:cancel",
  "runs:read",
  "runs:reset",
  "queue:read",
  "queue:write",
  "dlq:read",
  "dlq:write",
  "workers:read",
  "sessions:open",
] as const;
export type ApiVerb = (typeof API_VERBS)[number];

/** Every kind of error, by the last part of its `type`. */
export const PROBLEMS = {
  "invalid-request": { status: 400, title: "The request does not have the form that this route wants" },
  unauthorized: { status: 401, title: "A valid API key is needed" },
  forbidden: { status: 403, title: "This key may not do that" },
  "not-found": { status: 404, title: "There is no such thing" },
  "method-not-allowed": { status: 405, title: "This path has other methods" },
  "request-timeout": { status: 408, title: "The request came too slowly" },
  "payload-too-large": { status: 413, title: "The body is too large" },
  "headers-too-large": { status: 431, title: "The header fields are too large" },
  "upgrade-required": { status: 426, title: "This path speaks WebSocket" },
  "too-many": { status: 429, title: "There are too many of these at once" },
  "unsupported-media-type": { status: 415, title: "Bodies are JSON" },
  "no-lease": { status: 409, title: "No spawner has led this queue, so its workers' lease is not known" },
  "task-refused": { status: 422, title: "The queue does not take this task" },
  "rate-limited": { status: 429, title: "Too many requests" },
  internal: { status: 500, title: "The API failed" },
  "no-record": { status: 501, title: "This fleet does not record runs" },
  "queue-full": { status: 503, title: "The queue is full" },
  "redis-unavailable": { status: 503, title: "Redis does not answer" },
  "results-unavailable": { status: 503, title: "The files of results cannot be read" },
  "database-unavailable": { status: 503, title: "The database does not answer" },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>;
export type ProblemSlug = keyof typeof PROBLEMS;

/** Media type of errors (RFC 9457). */
export const PROBLEM_TYPE = "application/problem+json";

/** `type` of an error. */
export function problemUrn(slug: ProblemSlug): string {
  return `urn:taskfleet:problem:${slug}`;
}
