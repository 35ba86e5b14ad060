import { type Check, failed, ofDatabase, ok } from "../check.ts";

/** The connection to the database is encrypted, or does not leave the machine. */
export const databaseSsl: Check = {
  id: "database-ssl",
  title: "PostgreSQL with SSL enabled",
  source: "production checklist",
  run: (facts) =>
    ofDatabase(facts, ({ address, tls, loopback }) => {
      if (tls) return ok(`the connection to ${address} is encrypted`);
      if (loopback) return ok(`${address} is this machine's loopback: nothing leaves it, no TLS is needed`);
      return failed(
        `the connection to ${address} is not encrypted`,
        "add ?sslmode=verify-full&sslrootcert=FILE to DATABASE_URL",
      );
    }),
};
