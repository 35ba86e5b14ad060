import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { parse } from "yaml";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { explained } from "../hosts/errors.ts";
import { PATHS } from "../paths.ts";
import { IMAGES } from "../platform/images.ts";
import type { ProjectFile } from "../platform/project-file.ts";
import { SpecError } from "../spec/errors.ts";
import { resolveFleet } from "../spec/resolve.ts";
import { UnsupportedError } from "../targets/capabilities.ts";
import type { ComposeContext, ServerImage } from "../targets/compose/context.ts";
import { renderCompose } from "../targets/compose/render.ts";
import { handlersDigest } from "../targets/local/handlers-digest.ts";
import { inOrder } from "../targets/outside-urls.ts";
import { CommandError } from "./command-error.ts";

const SERVERS: readonly ServerImage[] = [
  ...([
    "redis",
    "postgres",
    "redisExporter",
    "prometheus",
    "alertmanager",
    "grafana",
    "loki",
    "alloy",
  ] as const),
];
const OWN_IMAGES = {
  worker: "taskfleet-worker",
  watch: "taskfleet-watch-queue",
  backup: "taskfleet-backup",
} as const;

type Config = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Config =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A stack's config file, by the keys below `taskfleet:`; or a spec alone, as `fleet`. */
function readConfig(file: string): Config {
  const text = readFileSync(file, "utf8");
  const document: unknown = parse(text) ?? {};
  if (!isRecord(document))
    throw new CommandError(
      `${file}: allowed: a stack's config file, or the fleet's spec, as YAML or JSON`,
      EXIT.usage,
    );
  if (!isRecord(document.config)) return { fleet: document };
  const entries = Object.entries(document.config).filter(([key]) => key.startsWith("taskfleet:"));
  return Object.fromEntries(entries.map(([key, value]) => [key.slice("taskfleet:".length), value]));
}

async function compiled(config: Config): Promise<readonly ProjectFile[]> {
  const fleet = resolveFleet(config.fleet ?? {}, "compose");
  const directory = fleet.handlers === "" ? "" : resolve(PATHS.root, fleet.handlers);
  const given = isRecord(config.images) ? config.images : {};
  const images = SERVERS.map((name) => [name, String(given[name] ?? IMAGES[name].reference)]);
  const urls = inOrder(Object.keys(config));
  const context: ComposeContext = {
    project: fleet.name,
    images: Object.fromEntries(images),
    handlers: directory === "" ? null : { directory, digest: await handlersDigest(directory) },
    hasSecrets: config.secrets !== undefined,
    outsideDatabase: urls.length === 0 ? null : urls,
  };
  return renderCompose(fleet, context, OWN_IMAGES);
}

/** Filled in by hand or by `prepare.sh`: not to be lost. */
const isKept = (path: string) => path === ".env" || path.startsWith("secrets/");

function write(out: string, files: readonly ProjectFile[]): void {
  for (const { path, content, mode } of files) {
    const file = join(out, path);
    if (isKept(path) && existsSync(file)) {
      process.stderr.write(`kept: ${file}\n`);
      continue;
    }
    mkdirSync(dirname(file), { recursive: true });
    // The owner changes what is to be filled in.
    writeFileSync(file, content, { mode: Number.parseInt(mode, 8) | 0o200 });
  }
}

async function render(out: string | undefined, config: string | undefined): Promise<void> {
  try {
    const read =
      config === undefined ? {} : await explained(`read ${config}`, async () => readConfig(config));
    const files = await compiled(read);
    if (out === undefined)
      process.stdout.write(files.find(({ path }) => path === "compose.yaml")?.content ?? "");
    else {
      await explained(`write to ${out}`, async () => write(out, files));
      process.stderr.write(`${files.length} files in ${out}; next: read README.md there\n`);
    }
  } catch (error) {
    if (error instanceof SpecError || error instanceof UnsupportedError)
      throw new CommandError(error.message, EXIT.usage);
    throw error;
  }
}

/** Adds `taskfleet render`. */
export function register(program: Command): void {
  program
    .command("render")
    .description("write a target's manifests, with placeholders for secrets; without --out, the main one")
    .argument("<target>", "compose")
    .addOption(
      new Option("-o, --out <folder>", "write all files there; secrets and .env that are there stay"),
    )
    .option(
      "-c, --config <file>",
      "a stack's config file or a fleet's spec, as YAML or JSON (default: an empty spec)",
    )
    .action((target: string, { out, config }: { out?: string; config?: string }) => {
      if (target !== "compose")
        throw new CommandError(
          `there are no manifests of ${JSON.stringify(target)}; allowed: compose`,
          EXIT.usage,
        );
      return render(out, config);
    });
}
