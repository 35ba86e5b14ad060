import { join } from "node:path";
import { SETTINGS } from "../../../worker/contract/settings.ts";
import type { ProcessInputs } from "../../hosts/process-inputs.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import { classSettings, secretFileVariable, toEnvironment } from "../../spec/to-environment.ts";
import { envFile, PRIVATE } from "../env-file.ts";
import { REFERENCES } from "../references.ts";
import { databaseEnvironment } from "./compile-database.ts";
import type { LocalContext } from "./document.ts";
import { redisLoginOf, redisUrlOf } from "./outside-redis.ts";

const READY_SECONDS = 60;
/** Beyond what its requests may take to end. */
const STOP_SECONDS = 45;

/** One API of all the fleet's streams; `null` where the spec wants none. */
export function compileApi(fleet: ResolvedFleet, context: LocalContext): ProcessInputs | null {
  if (!fleet.api.enabled) return null;
  const { paths, node, bundle } = context;
  const keyFile = join(paths.secrets, "api-key");
  const keyVariable = secretFileVariable("apiKey");
  const settings = {
    ...classSettings(fleet, fleet.classes[0], "api"),
    streams: fleet.classes.map(({ stream }) => stream),
    redisUrl: redisUrlOf(context),
    apiHost: SETTINGS.apiHost.default,
    apiPort: "{port}",
  };
  const client = {
    ...toEnvironment({ apiUrl: `http://${SETTINGS.apiHost.default}:{port}` }),
    [keyVariable]: keyFile,
  };
  return {
    name: "api",
    directory: paths.directory,
    command: node,
    args: [join(bundle.directory, "main.mjs"), "api"],
    environment: {
      ...toEnvironment(settings),
      ...databaseEnvironment(fleet, context, REFERENCES.postgresPort),
      ...redisLoginOf(context),
      [keyVariable]: keyFile,
    },
    files: [
      { path: keyFile, content: REFERENCES.apiKey, mode: PRIVATE },
      { path: paths.apiEnv, content: envFile(client), mode: PRIVATE },
    ],
    port: fleet.api.port,
    // Without its database it serves all but the record.
    ready: { kind: "http", path: "/health/ready?only=redis", timeoutSeconds: READY_SECONDS },
    stop: { signal: "SIGTERM", timeoutSeconds: STOP_SECONDS },
    log: join(paths.logs, "api.log"),
    data: [],
    deleteData: false,
  };
}
