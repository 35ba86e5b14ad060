import { createHash } from "node:crypto";
import type { LocalContext } from "../../../components/targets/local/document.ts";

export const hex = createHash("sha256").update("sample").digest("hex");

/** What tests of the target `local` compile with. */
export const CONTEXT: LocalContext = {
  root: "/project",
  paths: {
    directory: "/state/local",
    clientEnv: "/state/local/client.env",
    databaseEnv: "/state/local/database.env",
    apiEnv: "/state/local/api.env",
    redis: "/state/local/redis",
    postgres: "/state/local/postgres",
    run: "/state/local/run",
    logs: "/state/local/logs",
    secrets: "/state/local/secrets",
    backups: "/state/backups/local",
  },
  node: "/bin/node",
  redisServer: "/bin/redis-server",
  outsideRedis: null,
  outsideDatabase: null,
  postgresPrograms: "/lib/postgresql/bin",
  bundle: {
    digest: `sha256:${hex}`,
    directory: `/state/local/bundles/${hex}`,
    sandboxHelper: `/state/local/bundles/${hex}/taskfleet-sandbox`,
  },
  controls: { enforced: [{ name: "uid", text: "uid 65532", by: "setpriv" }], lost: [] },
  hiddenPaths: ["/state/local/secrets", "/state/passphrase"],
  handlersDigest: "",
  hasSecrets: false,
  deleteData: false,
};
