import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { databaseRoles } from "../../../contract/database.ts";
import { TaskfleetError } from "../../core/errors.ts";
import { databaseLogin, inDatabase } from "./connection-string.ts";
import { type Queries, withDatabase } from "./database.ts";

/** Logins of the three roles, as URLs; all name the same database. */
export interface RoleUrls {
  readonly app: string;
  readonly migrate: string;
  readonly backup: string;
}

/**
 * Makes the database, its roles and their rights; what is there already is brought up to date. The admin's URL
 * names a database that exists, such as `postgres`.
 * @throws TaskfleetError when a URL's user or database is not the expected one.
 */
export async function setUpRoles(adminUrl: string, urls: RoleUrls, prefix: string): Promise<void> {
  const { database } = databaseLogin(urls.app);
  const logins = checkedLogins(urls, prefix);
  await withDatabase(adminUrl, async (admin) => {
    for (const { user, password } of logins) await makeRole(admin, user, password);
    await makeDatabase(admin, database);
  });
  const { migrate, app, backup } = databaseRoles(prefix);
  await withDatabase(inDatabase(adminUrl, database), async (admin) => {
    await admin.query(`GRANT CONNECT ON DATABASE ${quoted(database)} TO ${migrate}, ${app}, ${backup}`);
    await admin.query("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    await admin.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${migrate}`);
    await admin.query(`GRANT USAGE ON SCHEMA public TO ${app}, ${backup}`);
  });
  // As the owner itself, so that the administrator need not be a superuser.
  await withDatabase(urls.migrate, async (owner) => {
    for (const grant of defaultPrivileges(app, backup)) {
      await owner.query(`ALTER DEFAULT PRIVILEGES IN SCHEMA public ${grant}`);
    }
  });
}

function defaultPrivileges(app: string, backup: string): readonly string[] {
  return [
    `GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${app}`,
    `GRANT USAGE, SELECT ON SEQUENCES TO ${app}`,
    `GRANT SELECT ON TABLES TO ${backup}`,
    `GRANT SELECT ON SEQUENCES TO ${backup}`,
  ];
}

function checkedLogins(urls: RoleUrls, prefix: string): readonly { user: string; password: string }[] {
  const { database } = databaseLogin(urls.app);
  return Object.entries(databaseRoles(prefix)).map(([role, name]) => {
    const login = databaseLogin(urls[role as keyof RoleUrls]);
    const wrong =
      login.user !== name
        ? `user ${login.user}, not ${name}`
        : login.password === ""
          ? "no password"
          : undefined;
    if (wrong !== undefined) throw new TaskfleetError(`the URL of the role ${role} has ${wrong}`);
    if (login.database !== database) {
      throw new TaskfleetError(`the URL of the role ${role} names ${login.database}, not ${database}`);
    }
    return login;
  });
}

async function makeRole(admin: Queries, name: string, password: string): Promise<void> {
  const [found] = await admin.query("SELECT FROM pg_roles WHERE rolname = $1", [name]);
  await admin.query(
    `${found === undefined ? "CREATE" : "ALTER"} ROLE ${name} LOGIN PASSWORD '${verifier(password)}'`,
  );
}

async function makeDatabase(admin: Queries, name: string): Promise<void> {
  const [found] = await admin.query("SELECT FROM pg_database WHERE datname = $1", [name]);
  if (found !== undefined) return;
  await admin.query(`CREATE DATABASE ${quoted(name)} ENCODING 'UTF8' TEMPLATE template0`);
  await admin.query(`REVOKE ALL ON DATABASE ${quoted(name)} FROM PUBLIC`);
}

/**
 * What PostgreSQL stores of a password (SCRAM-SHA-256, RFC 5802), so that the password itself stands in no
 * statement and no log of the server.
 */
function verifier(password: string): string {
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, iterations, 32, "sha256");
  const key = (text: string) => createHmac("sha256", salted).update(text).digest();
  const stored = createHash("sha256").update(key("Client Key")).digest("base64");
  const server = key("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${stored}:${server}`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
