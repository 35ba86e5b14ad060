import { type Check, failed, ofDatabase, ok } from "../check.ts";

/** Connections that the server keeps for its administrators (`superuser_reserved_connections`). */
const RESERVED = 3;

/** The pool of one process fits into what the server allows. */
export const pooling: Check = {
  id: "pooling",
  title: "Connection pooling configured",
  source: "production checklist",
  run: (facts) =>
    ofDatabase(facts, ({ maxConnections }) => {
      const { poolSize, poolOverflow } = facts.fleet;
      const most = poolSize + poolOverflow;
      const pool = `a pool of ${poolSize} and ${poolOverflow} at a peak`;
      if (most <= maxConnections - RESERVED) return ok(`${pool}, of ${maxConnections} connections`);
      return failed(
        `${pool} in one process, but the server allows ${maxConnections}, ${RESERVED} of them for administrators`,
        "lower TASKFLEET_POOL_SIZE or TASKFLEET_POOL_OVERFLOW, raise max_connections, or use PgBouncer",
      );
    }),
};
