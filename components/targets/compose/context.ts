import type { OutsideUrl } from "../outside-urls.ts";

/** Servers that are not ours, by the names that config `taskfleet:images` knows. */
export type ServerImage =
  | "redis"
  | "postgres"
  | "redisExporter"
  | "prometheus"
  | "alertmanager"
  | "grafana"
  | "loki"
  | "alloy";

/** What the stack found out before it compiles. Texts may hold references, see `components/targets/references.ts`. */
export interface ComposeContext {
  /** Compose's project name: lower-case letters, digits, `-` and `_`. */
  readonly project: string;
  /** `reference:tag` or `reference@digest` of each. */
  readonly images: Readonly<Record<ServerImage, string>>;
  /** `null`: the bundled handlers alone. A changed digest replaces workers and spawners. */
  readonly handlers: {
    /** Absolute, on the engine's host. */
    readonly directory: string;
    /** Hash over the folder's files. */
    readonly digest: string;
  } | null;
  /** Whether the stack's config holds secrets for handlers. */
  readonly hasSecrets: boolean;
  /** Which addresses of a database that is not the stack's the config has; `null`: the stack starts one. */
  readonly outsideDatabase: readonly OutsideUrl[] | null;
}
