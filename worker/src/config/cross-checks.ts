import { isAbsolute } from "node:path";
import { ALLOWED_HOST_FORM, parseAllowedHost } from "../../contract/allowed-host.ts";
import { LIMIT_FORMS, parseKindLimits } from "../../contract/kind-limits.ts";
import { PROTECTIONS } from "../../contract/sandbox.ts";
import { parseSource, SOURCE_FORMS } from "../../contract/secret-sources.ts";
import { SETTINGS, type SettingName, type SettingRole } from "../../contract/settings.ts";
import { parseWatchedServices, WATCHED_FORM } from "../../contract/watched-services.ts";
import { isProxyRange, PROXY_FORMS } from "../core/proxy-range.ts";
import { HANDLER_FORMS, parseLogHandler, parseRename } from "../logging/handlers.ts";
import type { SettingProblem } from "./settings-error.ts";

/** The values that were readable, of this role. */
export type Readable = Partial<Record<SettingName, unknown>>;

type Check = (values: Readable) => SettingProblem | undefined;

const WORKER_ID = /^[A-Za-z0-9._:-]{1,128}$/;
/** Braces would change the hash slot of the stream's other keys, and `queueKeys` adds its own. */
const STREAM = /^[A-Za-z0-9._:-]{1,200}$/;

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

const redisUrl: Check = ({ redisUrl: url }) => {
  if (typeof url !== "string") return undefined;
  if (/^rediss?:\/\//.test(url) && URL.canParse(url) && isDecodable(new URL(url))) return undefined;
  return {
    variable: SETTINGS.redisUrl.env,
    received: "something else (not shown: it may hold a password)",
    allowed: "a URL such as redis://host:6379/0, or rediss:// for TLS",
    wayOut: "Correct the URL; a password in it must be percent-encoded.",
  };
};

const streams: Check = ({ streams: names }) => {
  if (!Array.isArray(names)) return undefined;
  const bad = names.find((name: string, index) => !STREAM.test(name) || names.indexOf(name) !== index);
  if (bad === undefined) return undefined;
  return {
    variable: SETTINGS.streams.env,
    received: `"${names.join(",")}", with "${bad}"`,
    allowed: "different names of A-Z a-z 0-9 . _ : - with commas between them",
    wayOut: `Rename or remove "${bad}".`,
  };
};

/** A spawner tends one stream; `streams` says what is wrong with a name. */
const oneStream: Check = (values) => {
  const { streams: names } = values;
  const problem = streams(values);
  if (problem !== undefined || !Array.isArray(names) || names.length <= 1) return problem;
  return {
    variable: SETTINGS.streams.env,
    received: `"${names.join(",")}"`,
    allowed: "one stream for a spawner",
    wayOut: "Run one spawner for each worker class, with the class's own stream.",
  };
};

const workerId: Check = ({ workerId: id }) => {
  if (typeof id !== "string" || id === "" || WORKER_ID.test(id)) return undefined;
  return {
    variable: SETTINGS.workerId.env,
    received: `"${id}"`,
    allowed: "1 to 128 characters of A-Z a-z 0-9 . _ : -",
    wayOut: "Choose another, or unset it: a worker then makes its own.",
  };
};

const kindLimits: Check = ({ kindLimits: items }) => {
  if (!Array.isArray(items)) return undefined;
  const { wrong } = parseKindLimits(items);
  if (wrong.length === 0) return undefined;
  const named = wrong.map((item) => `"${item}"`).join(", ");
  return {
    variable: SETTINGS.kindLimits.env,
    received: `"${items.join(",")}", with ${named}`,
    allowed: `${LIMIT_FORMS}, with commas between them`,
    wayOut: `Correct or remove ${named}.`,
  };
};

const protections: Check = ({ executeAcceptUnenforced: names }) => {
  const bad = Array.isArray(names)
    ? names.find((name) => !PROTECTIONS.some((known) => known === name))
    : undefined;
  if (bad === undefined) return undefined;
  return {
    variable: SETTINGS.executeAcceptUnenforced.env,
    received: `"${bad}"`,
    allowed: PROTECTIONS.join(", "),
    wayOut: `Correct or remove "${bad}".`,
  };
};

const httpAllow: Check = ({ httpAllow: entries }) => {
  if (!Array.isArray(entries)) return undefined;
  const bad = entries.find((entry: string) => parseAllowedHost(entry) === undefined);
  if (bad === undefined) return undefined;
  return {
    variable: SETTINGS.httpAllow.env,
    received: `"${entries.join(",")}", with "${bad}"`,
    allowed: `${ALLOWED_HOST_FORM}, with commas between them`,
    wayOut: `Correct or remove "${bad}"; there are no patterns, name each host.`,
  };
};

const apiTrustProxy: Check = ({ apiTrustProxy: ranges }) => {
  if (!Array.isArray(ranges)) return undefined;
  const wrong = ranges.filter((range: string) => !isProxyRange(range)).map((range) => `"${range}"`);
  if (wrong.length === 0) return undefined;
  return {
    variable: SETTINGS.apiTrustProxy.env,
    received: `"${ranges.join(",")}", with ${wrong.join(", ")}`,
    allowed: `${PROXY_FORMS}, with commas between them`,
    wayOut: `Correct or remove ${wrong.join(", ")}; name the proxies, or the network that only they are in.`,
  };
};

const secretSources: Check = ({ secretSources: items }) => {
  if (!Array.isArray(items)) return undefined;
  const wrong = items.filter((item: string) => parseSource(item) === undefined);
  if (wrong.length === 0) return undefined;
  const named = wrong.map((item) => `"${item}"`).join(", ");
  return {
    variable: SETTINGS.secretSources.env,
    received: `"${items.join(",")}", with ${named}`,
    allowed: `${SOURCE_FORMS}, with commas between them`,
    wayOut: `Correct or remove ${named}.`,
  };
};

/** A list whose items have a form of their own. */
function wellFormed(
  name: "logHandlers" | "logFields",
  parse: (item: string) => unknown,
  allowed: string,
): Check {
  return (values) => {
    const items = values[name];
    if (!Array.isArray(items)) return undefined;
    const wrong = items.filter((item: string) => parse(item) === undefined).map((item) => `"${item}"`);
    if (wrong.length === 0) return undefined;
    return {
      variable: SETTINGS[name].env,
      received: `"${items.join(",")}", with ${wrong.join(", ")}`,
      allowed: `${allowed}, with commas between them`,
      wayOut: `Correct or remove ${wrong.join(", ")}.`,
    };
  };
}

/** `low` must not be above `high`. */
function ordered(low: SettingName, high: SettingName): Check {
  return (values) => {
    const [least, most] = [values[low], values[high]];
    if (typeof least !== "number" || typeof most !== "number" || least <= most) return undefined;
    return {
      variable: SETTINGS[low].env,
      received: String(least),
      allowed: `at most ${SETTINGS[high].env}, which is ${most}`,
      wayOut: `Lower ${SETTINGS[low].env} or raise ${SETTINGS[high].env}.`,
    };
  };
}

/** The process actuator needs this folder. */
function folderForProcesses(name: "runDirectory" | "logDirectory"): Check {
  return (values) => {
    if (values.actuator !== "process" || values[name] !== "") return undefined;
    return {
      variable: SETTINGS[name].env,
      received: "not set",
      allowed: `a folder, because ${SETTINGS.actuator.env} is "process"`,
      wayOut: `Name a folder that the spawner may write to, or set ${SETTINGS.actuator.env} to "none".`,
    };
  };
}

const brokerSocket: Check = ({ sandboxBroker: path }) => {
  if (typeof path !== "string" || path.startsWith("/")) return undefined;
  return {
    variable: SETTINGS.sandboxBroker.env,
    received: path === "" ? "not set" : `"${path}"`,
    allowed: "the absolute path of a socket",
    wayOut: "Name one in a folder that the workers may enter.",
  };
};

/** Names as Docker has them; none can be taken for an option. */
const IMAGE = /^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}$/;

const brokerImage: Check = ({ brokerImage: image }) => {
  if (typeof image !== "string" || IMAGE.test(image)) return undefined;
  return {
    variable: SETTINGS.brokerImage.env,
    received: image === "" ? "not set" : `"${image}"`,
    allowed: "the name or id of an image of Docker's",
    wayOut: "Name an image that holds what programs need.",
  };
};

const brokerRuntime: Check = ({ brokerRuntime: runtime }) => {
  if (typeof runtime !== "string" || runtime === "" || IMAGE.test(runtime)) return undefined;
  return {
    variable: SETTINGS.brokerRuntime.env,
    received: `"${runtime}"`,
    allowed: "the name of an OCI runtime that Docker's daemon knows",
    wayOut: `Correct it, or unset it for Docker's own; \`docker info\` lists them.`,
  };
};

const watchedServices: Check = ({ watch: items }) => {
  if (!Array.isArray(items)) return undefined;
  const { wrong } = parseWatchedServices(items);
  if (wrong.length === 0 && items.length > 0) return undefined;
  const named = wrong.map((item) => `"${item}"`).join(", ");
  return {
    variable: SETTINGS.watch.env,
    received: items.length === 0 ? "nothing" : `"${items.join(",")}", with ${named}`,
    allowed: `${WATCHED_FORM}, with commas between them`,
    wayOut: items.length === 0 ? "Name a service." : `Correct or remove ${named}.`,
  };
};

/** As Compose has them. */
const PROJECT = /^[a-z0-9][a-z0-9_-]*$/;

const watchProject: Check = ({ watchProject: name }) => {
  if (typeof name !== "string" || PROJECT.test(name)) return undefined;
  return {
    variable: SETTINGS.watchProject.env,
    received: name === "" ? "not set" : `"${name}"`,
    allowed: "the name of a Compose project: a-z 0-9 _ -, a letter or digit first",
    wayOut: "Name the project; `docker compose ls` lists those that run.",
  };
};

const watchDirectory: Check = ({ watchDirectory: path }) => {
  if (typeof path !== "string" || path.startsWith("/")) return undefined;
  return {
    variable: SETTINGS.watchDirectory.env,
    received: path === "" ? "not set" : `"${path}"`,
    allowed: "the absolute path of the folder with compose.yaml",
    wayOut: "Name the project's folder, as it is called on the engine's host.",
  };
};

const watchCompose: Check = ({ watchCompose: words }) => {
  if (typeof words !== "string" || words.trim() !== "") return undefined;
  return {
    variable: SETTINGS.watchCompose.env,
    received: `"${words}"`,
    allowed: "the words of a command, such as docker compose",
    wayOut: "Name one, or unset it for the default.",
  };
};

const otlpEndpoint: Check = ({ otlpEndpoint: url }) => {
  if (typeof url !== "string" || url === "" || (/^https?:\/\//.test(url) && URL.canParse(url)))
    return undefined;
  return {
    variable: SETTINGS.otlpEndpoint.env,
    received: `"${url}"`,
    allowed: "a URL such as http://127.0.0.1:4318, without /v1/traces",
    wayOut: "Correct it, or unset it for the default.",
  };
};

const resultDirectory: Check = ({ resultBackEnd, resultDirectory: directory }) => {
  if (typeof directory !== "string") return undefined;
  if (isAbsolute(directory) || (directory === "" && resultBackEnd !== "fs")) return undefined;
  return {
    variable: SETTINGS.resultDirectory.env,
    received: directory === "" ? "nothing" : `"${directory}"`,
    allowed: "the absolute path of a folder, which TASKFLEET_RESULT_BACKEND=fs needs",
    wayOut: "Name the folder that workers, spawners and the API share.",
  };
};

const INSTRUMENTATION_KEY =
  /(?:^|;)\s*InstrumentationKey=[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\s*(?:;|$)/i;

const azureMonitor: Check = ({ azureMonitor: text }) => {
  if (typeof text !== "string" || text === "" || INSTRUMENTATION_KEY.test(text)) return undefined;
  return {
    variable: SETTINGS.azureMonitor.env,
    received: "something else (not shown: it is a secret)",
    allowed: "InstrumentationKey=<UUID>;IngestionEndpoint=https://...",
    wayOut: "Copy the connection string of the Application Insights resource.",
  };
};

/** A role without the setting has nothing to check. */
const everyRole: readonly Check[] = [
  otlpEndpoint,
  azureMonitor,
  resultDirectory,
  secretSources,
  wellFormed("logHandlers", parseLogHandler, HANDLER_FORMS),
  wellFormed("logFields", parseRename, "pairs such as timestamp=@timestamp"),
];

const CHECKS = {
  worker: [
    ...everyRole,
    redisUrl,
    streams,
    workerId,
    kindLimits,
    protections,
    httpAllow,
    ordered("retryBase", "retryMax"),
  ],
  spawner: [
    ...everyRole,
    redisUrl,
    oneStream,
    kindLimits,
    ordered("scaleMin", "scaleMax"),
    folderForProcesses("runDirectory"),
    folderForProcesses("logDirectory"),
  ],
  api: [...everyRole, redisUrl, streams, apiTrustProxy],
  cli: [...everyRole, redisUrl, streams],
  broker: [...everyRole, brokerSocket, brokerImage, brokerRuntime],
  backup: [...everyRole, redisUrl, streams],
  watch: [...everyRole, redisUrl, watchedServices, watchProject, watchDirectory, watchCompose],
} as const satisfies Record<SettingRole, readonly Check[]>;

/** What is wrong between settings, or with the form of one, that its type alone does not say. */
export function crossCheck(role: SettingRole, values: Readable): SettingProblem[] {
  return CHECKS[role].map((check) => check(values)).filter((problem) => problem !== undefined);
}
