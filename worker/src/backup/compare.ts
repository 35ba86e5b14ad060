/** What was restored against what the manifest says. Pure. */
import type { KeyspaceDigest, Manifest, TableDigest } from "./manifest.ts";

/** One line of the table that a drill prints. */
export interface Comparison {
  /** `taskfleet_activity`, `keys`, `expiring keys`. */
  readonly of: string;
  readonly expected: string;
  readonly found: string;
  readonly same: boolean;
}

const short = (checksum: string) => checksum.slice(0, 12);
const rows = ({ rows, checksum }: Pick<TableDigest, "rows" | "checksum">) =>
  `${rows} rows, ${short(checksum)}`;

export function compareTables(
  expected: readonly TableDigest[],
  found: readonly TableDigest[],
): readonly Comparison[] {
  return expected.map((table) => {
    const other = found.find((one) => one.table === table.table);
    const same = other?.rows === table.rows && other.checksum === table.checksum;
    return { of: table.table, expected: rows(table), found: other ? rows(other) : "no such table", same };
  });
}

/** `now`: the restored server's clock; keys that may have ended by then are not compared. */
export function compareKeyspaces(
  expected: KeyspaceDigest,
  found: KeyspaceDigest,
  now: number,
): readonly Comparison[] {
  const keys = ({ keys, checksum }: { keys: number; checksum: string }) => `${keys} keys, ${short(checksum)}`;
  const lasting = (digest: KeyspaceDigest) => {
    const left = digest.expiring.filter(({ from }) => from > now);
    return {
      keys: left.reduce((sum, bucket) => sum + bucket.keys, 0),
      text: left.map(({ from, keys, checksum }) => `${from} ${keys} ${checksum}`).join("\n"),
    };
  };
  const [wanted, there] = [lasting(expected), lasting(found)];
  const ended = expected.expiring.reduce((sum, bucket) => sum + bucket.keys, 0) - wanted.keys;
  const gone = ended === 0 ? "" : `, ${ended} more have ended or are about to`;
  return [
    {
      of: "keys",
      expected: keys(expected),
      found: keys(found),
      same: expected.keys === found.keys && expected.checksum === found.checksum,
    },
    {
      of: "expiring keys",
      expected: `${wanted.keys} keys${gone}`,
      found: `${there.keys} keys`,
      same: wanted.text === there.text,
    },
  ];
}

/** Lines of what is not the same. */
export function differences(comparisons: readonly Comparison[]): readonly string[] {
  return comparisons
    .filter(({ same }) => !same)
    .map(({ of, expected, found }) =>
      expected === found ? `${of}: contents differ` : `${of}: ${found}; the manifest says ${expected}`,
    );
}

/** Names of a manifest's migrations that this version does not know. */
export function newerMigrations({ record }: Manifest, known: readonly string[]): readonly string[] {
  return (record?.migrations ?? []).filter((name) => !known.includes(name));
}
