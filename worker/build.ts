import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { glob, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type OutputFile } from "esbuild";
import { PAGE_FILES } from "./src/api/page-files.ts";

/** A worker bundle on disk: `main.mjs`, chunks beside it, `lua/`, `openapi/`, the sandbox's helper where there is one. */
export interface Bundle {
  /** `sha256:<hex>` over the relative paths and contents of its files. */
  readonly digest: string;
  /** `<outDir>/<hex>`; what is in it never changes. */
  readonly directory: string;
  /** The sandbox's helper in it; "" without one. */
  readonly sandboxHelper: string;
}

export interface BuildOptions {
  readonly outDir: string;
  /** The built helper of the sandbox, which goes along; default "": none. */
  readonly sandboxHelper?: string;
}

const HELPER = "taskfleet-sandbox";

/** Beside the module that reads the scripts; in the bundle, beside all chunks. */
const LUA = join(import.meta.dirname, "src/adapters/redis/lua");
/** The page of the API's OpenAPI document; found by the module that serves it, beside the chunks too. */
const PAGE = dirname(fileURLToPath(import.meta.resolve("swagger-ui-dist/package.json")));
/** CommonJS parts of a bundle call `require`, which a module does not have. */
const REQUIRE = `import { createRequire as bundleRequire } from "node:module";
const require = bundleRequire(import.meta.url);`;

/** The command line, what its worker threads run, and what handler modules import: found by file name. */
const ENTRY_POINTS = {
  main: "src/main.ts",
  handler: "src/handler.ts",
  "handler-thread": "src/runtime/threads/handler-thread.ts",
};

type Files = ReadonlyMap<string, Uint8Array>;

async function compile(): Promise<readonly OutputFile[]> {
  const { outputFiles } = await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: ENTRY_POINTS,
    outdir: "bundle",
    outExtension: { ".js": ".mjs" },
    // Chunks lie beside main.mjs, so that `./lua/` means the same folder from each of them.
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    banner: { js: REQUIRE },
    legalComments: "none",
    logLevel: "error",
    write: false,
  });
  return outputFiles;
}

async function bundleFiles(sandboxHelper: string): Promise<Files> {
  const outDir = join(import.meta.dirname, "bundle");
  const files = new Map<string, Uint8Array>();
  for (const { path, contents } of await compile()) files.set(relative(outDir, path), contents);
  for await (const script of glob("**/*.lua", { cwd: LUA })) {
    files.set(join("lua", script), await readFile(join(LUA, script)));
  }
  for (const { name } of PAGE_FILES) files.set(join("openapi", name), await readFile(join(PAGE, name)));
  if (sandboxHelper !== "") files.set(HELPER, await readFile(sandboxHelper));
  return new Map([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function digestOf(files: Files): string {
  const hash = createHash("sha256");
  // Lengths before the parts, so that no two lists of files read the same.
  for (const [path, content] of files) hash.update(`${path}\0${content.byteLength}\0`).update(content);
  return hash.digest("hex");
}

async function writeFiles(directory: string, files: Files): Promise<void> {
  // Renamed into place when whole: a folder of this name is always complete.
  const half = `${directory}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    for (const [path, content] of files) {
      await mkdir(dirname(join(half, path)), { recursive: true });
      await writeFile(join(half, path), content, { mode: path === HELPER ? 0o755 : 0o644 });
    }
    await rename(half, directory);
  } catch (error) {
    await rm(half, { recursive: true, force: true });
    // Another build was faster with the same bytes.
    if (!existsSync(directory)) throw error;
  }
}

/** Builds the worker. The same sources give the same digest; a bundle that is there already stays untouched. */
export async function buildBundle({ outDir, sandboxHelper = "" }: BuildOptions): Promise<Bundle> {
  const files = await bundleFiles(sandboxHelper);
  const hex = digestOf(files);
  const directory = join(outDir, hex);
  if (!existsSync(directory)) await writeFiles(directory, files);
  const helper = sandboxHelper === "" ? "" : join(directory, HELPER);
  return { digest: `sha256:${hex}`, directory, sandboxHelper: helper };
}
