/** `manifest.json` of a backup: what it holds, by which a restore is checked. Pure. */

/** A file of the backup. */
export interface BackupFile {
  readonly file: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** Rows of one table; the checksum does not depend on their order. */
export interface TableDigest {
  readonly table: string;
  /** Those that the checksum is over. */
  readonly columns: readonly string[];
  readonly rows: number;
  readonly checksum: string;
}

/** Keys that expire within `from` (ms since the epoch) and the next bucket's. */
export interface ExpiringDigest {
  readonly from: number;
  readonly keys: number;
  readonly checksum: string;
}

/** All keys of a Redis server; the checksums do not depend on their order, or on how the server stores them. */
export interface KeyspaceDigest {
  /** Of keys without an end. */
  readonly keys: number;
  readonly checksum: string;
  /** By when they end; those that may have ended since are left out. */
  readonly expiring: readonly ExpiringDigest[];
  /** Keys without an end by type, such as `stream`. */
  readonly types: Readonly<Record<string, number>>;
}

export interface RecordPart {
  readonly dump: BackupFile;
  /** `host:port/database`. */
  readonly address: string;
  /** Of the server, such as `15.8`. */
  readonly version: string;
  /** The server's clock at the snapshot, ISO 8601. */
  readonly taken_at: string;
  readonly prefix: string;
  /** Names of the migrations that it had. */
  readonly migrations: readonly string[];
  readonly tables: readonly TableDigest[];
  /** By queue: the last event that is in the record. */
  readonly positions: Readonly<Record<string, string>>;
}

export interface QueuePart {
  readonly dump: BackupFile;
  /** `host:port`. */
  readonly address: string;
  readonly version: string;
  /** The server's clock before the snapshot, in ms since the epoch: buckets of expiring keys count from it. */
  readonly taken_at: number;
  readonly keyspace: KeyspaceDigest;
}

export interface Manifest {
  readonly v: 1;
  readonly name: string;
  readonly started_at: string;
  readonly finished_at: string;
  readonly queue: QueuePart;
  /** `null` where no database was named. */
  readonly record: RecordPart | null;
}

export const MANIFEST = "manifest.json";
export const QUEUE_DUMP = "redis.rdb";
export const RECORD_DUMP = "postgres.dump";

/** `20261128T093000Z`: names sort by time. */
export function backupName(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d+/g, "");
}

const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** The time that a backup's name says, in ms since the epoch; undefined for another name. */
export function backupTime(name: string): number | undefined {
  const [, year, month, day, hour, minute, second] = NAME.exec(name) ?? [];
  if (year === undefined) return undefined;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time) ? undefined : time;
}

/** Reads a manifest's text. @throws SyntaxError when it is none of this version. */
export function parseManifest(text: string): Manifest {
  const manifest = JSON.parse(text) as Partial<Manifest> | null;
  const fits = manifest?.v === 1 && manifest.queue?.dump !== undefined && manifest.record !== undefined;
  if (!fits) throw new SyntaxError("it is no manifest of version 1");
  return manifest as Manifest;
}
