import { createHash } from "node:crypto";

/** How large the append-only file grows before the server writes it anew. */
export const REWRITE_FROM = "256mb";

/** What one Redis server is started with. */
export interface RedisConfig {
  /** Text, so that a port that is only found at the start can be filled in by the host. */
  readonly port: string;
  /** Who reaches it: this machine alone, or everybody on a container's networks. */
  readonly bind: "127.0.0.1" | "0.0.0.0";
  readonly dataDirectory: string;
  /** In bytes. */
  readonly maxMemory: number;
  /** Hex SHA-256 of the password: the file holds no secret. */
  readonly passwordHash: string;
}

/** What Redis' `user ... #<hash>` wants. */
export function redisPasswordHash(password: string): string {
  return createHash("sha256").update(password).digest("hex");
}

/** Redis' own syntax for a path with spaces or quotes. */
function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/**
 * The server's configuration: one user with a password, every write in
 * the append-only file within a second, and nothing evicted.
 */
export function redisConfig({ port, bind, dataDirectory, maxMemory, passwordHash }: RedisConfig): string {
  const lines = [
    `port ${port}`,
    `bind ${bind}`,
    "protected-mode yes",
    `user default reset on #${passwordHash} ~* &* +@all`,
    "enable-debug-command no",
    "enable-module-command no",
    "enable-protected-configs no",
    `dir ${quote(dataDirectory)}`,
    "daemonize no",
    'logfile ""',
    "appendonly yes",
    "appendfsync everysec",
    // Tasks pass through: at the default of 64 MB a busy queue would rewrite the file every other second.
    `auto-aof-rewrite-min-size ${REWRITE_FROM}`,
    // The append-only file alone is the data: snapshots beside it would write everything twice.
    'save ""',
    "aof-use-rdb-preamble yes",
    `maxmemory ${maxMemory}`,
    "maxmemory-policy noeviction",
    "timeout 0",
    "tcp-keepalive 300",
  ];
  return `${lines.join("\n")}\n`;
}
