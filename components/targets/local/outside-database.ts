/** The record in a server that the stack does not start: its addresses are secrets of the stack's config. */
import { join } from "node:path";
import { databaseRoles } from "../../../worker/contract/database.ts";
import type { CommandInputs } from "../../hosts/host-command.ts";
import type { HostFile } from "../../hosts/process-inputs.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import { type Environment, secretFileVariable, toEnvironment } from "../../spec/to-environment.ts";
import { envFile, PRIVATE } from "../env-file.ts";
import { databaseCommand, inOrder, OUTSIDE_URLS, type OutsideUrl } from "../outside-urls.ts";
import { REFERENCES } from "../references.ts";
import type { LocalContext } from "./document.ts";

const SETUP_SECONDS = 120;

const fileOf = (name: OutsideUrl, { paths }: LocalContext) => join(paths.secrets, OUTSIDE_URLS[name]);

/** How a process reaches the record as the application's role. */
export function outsideEnvironment(context: LocalContext): Environment {
  return { [secretFileVariable("databaseUrl")]: fileOf("databaseUrl", context) };
}

/** Writes the addresses, and sets up or checks the tables; again for other addresses, another worker, another prefix. */
export function compileOutside(fleet: ResolvedFleet, context: LocalContext): CommandInputs {
  const { paths, node, bundle } = context;
  const { tablePrefix, retention, retentionMode } = fleet.database;
  const urls = inOrder(context.outsideDatabase ?? []);
  const environment: Environment = {
    ...toEnvironment(tablePrefix === "" ? {} : { tablePrefix }),
    ...Object.fromEntries(urls.map((name) => [secretFileVariable(name), fileOf(name, context)])),
  };
  const secret = (name: OutsideUrl): HostFile => ({
    ...{ path: fileOf(name, context), content: REFERENCES[name], mode: PRIVATE },
  });
  const client = envFile({ ...environment, ...toEnvironment({ retention, retentionMode }) });
  const { app } = databaseRoles(tablePrefix);
  return {
    name: "database-setup",
    directory: paths.directory,
    command: node,
    args: [join(bundle.directory, "main.mjs"), "db", databaseCommand(urls)],
    environment,
    files: [...urls.map(secret), { path: paths.databaseEnv, content: client, mode: PRIVATE }],
    log: join(paths.logs, "database-setup.log"),
    timeoutSeconds: SETUP_SECONDS,
    trigger: [bundle.digest, app, ...urls].join(" "),
  };
}
