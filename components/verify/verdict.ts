/** What is said of a control. Pure. */

export const VERIFIED = [
  "uid",
  "capabilities",
  "noNewPrivileges",
  "seccomp",
  "readOnlyRoot",
  "pids",
  "memory",
  "namespaces",
  "engineSocket",
  "privileged",
  "attempts",
] as const;
export type Verified = (typeof VERIFIED)[number];

/**
 * `ok`: proven; `failed`: proven that it does not hold; `unknown`: this user cannot see it; `lost`: `up` said that it cannot
 * be had here; `none`: there is nothing to judge.
 */
export interface Verdict {
  readonly control: Verified;
  readonly state: "ok" | "failed" | "unknown" | "lost" | "none";
  /** What was found, in a few words. */
  readonly found: string;
  /** Why it is not `ok`, with what would be; "" when it is. */
  readonly why: string;
}

export type Finding = Omit<Verdict, "control">;

export const ok = (found: string): Finding => ({ state: "ok", found, why: "" });
export const failed = (found: string, why: string): Finding => ({ state: "failed", found, why });
export const unknown = (why: string): Finding => ({ state: "unknown", found: "unknown", why });
export const none: Finding = { state: "none", found: "-", why: "" };
