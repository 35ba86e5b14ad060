import { deepEqual, rejects } from "node:assert/strict";
import { openDatabase, startPostgres, type TestPostgres } from "../support/postgres-server.ts";
import { type Authority, authority } from "./authority.ts";

const TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
const WAY_OUT = "correct sslmode and sslrootcert of the database's URL, or the server's certificate";

describe("TLS to the record's database", function () {
  this.timeout(60_000);
  let own: Authority;
  let other: Authority;
  let server: TestPostgres;
  let plain: TestPostgres;
  before(async () => {
    own = authority("localhost");
    other = authority("localhost");
    server = await startPostgres({ tls: own });
    plain = await startPostgres();
  });
  after(async () => {
    await Promise.all([server.stop(), plain.stop()]);
    for (const each of [own, other]) each.remove();
  });

  async function isEncrypted(host: string, query: string, on = server): Promise<boolean> {
    const database = await openDatabase(`${on.adminUrl().replace("127.0.0.1", host)}?${query}`);
    try {
      const [row] = await database.query<{ ssl: boolean }>(TLS);
      return row?.ssl === true;
    } finally {
      await database.close();
    }
  }

  const refused = (attempt: Promise<boolean>, message: RegExp) =>
    rejects(attempt, { name: "StoreRefusedError", wayOut: WAY_OUT, message });

  it("verify-full takes an own authority and the right host name", async () => {
    deepEqual(await isEncrypted("localhost", `sslmode=verify-full&sslrootcert=${own.ca}`), true);
  });

  it("verify-full refuses another host name, verify-ca does not look at it", async () => {
    const attempt = isEncrypted("127.0.0.1", `sslmode=verify-full&sslrootcert=${own.ca}`);
    await refused(attempt, /IP: 127\.0\.0\.1 is not in the cert's list/);
    deepEqual(await isEncrypted("127.0.0.1", `sslmode=verify-ca&sslrootcert=${own.ca}`), true);
  });

  it("both refuse another authority, and one that the system does not know", async () => {
    for (const mode of ["verify-full", "verify-ca"])
      await refused(isEncrypted("localhost", `sslmode=${mode}&sslrootcert=${other.ca}`), /certificate/);
    await refused(isEncrypted("localhost", "sslmode=verify-full"), /certificate/);
  });

  it("require encrypts and does not ask who the server is", async () => {
    deepEqual(await isEncrypted("127.0.0.1", "sslmode=require"), true);
    deepEqual(await isEncrypted("127.0.0.1", "sslmode=disable"), false);
  });

  it("a server without TLS is refused where TLS is demanded", async () => {
    const attempt = isEncrypted("127.0.0.1", "sslmode=require", plain);
    await refused(attempt, /The server does not support SSL connections/);
  });
});
