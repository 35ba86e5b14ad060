import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Controls, parseControls } from "../../../worker/contract/controls.ts";
import { HostError } from "../../hosts/errors.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import { classSettings, toEnvironment } from "../../spec/to-environment.ts";
import { confinementSettings } from "./confinement.ts";
import type { LocalContext } from "./document.ts";

/** Confined workers are another user, where root starts them. */
function wayOut(said: string, { security: { uid } }: ResolvedFleet, folder: string): string {
  if (process.getuid?.() !== 0 || !/EACCES|ENOENT|Cannot find/.test(said)) return "";
  return `\nWorkers run as uid ${uid}, which must be able to read them: chmod -R o+rX ${folder === "" ? "." : folder}`;
}

/**
 * Starts what a worker of this bundle would be, confined as it would be, and has it load the handlers; before
 * anything that runs is touched. Returns the controls that hold on this machine.
 * @throws HostError with every problem of every file.
 */
export async function checkWorkers(
  fleet: ResolvedFleet,
  context: Pick<LocalContext, "root" | "bundle" | "hiddenPaths" | "node">,
): Promise<Controls> {
  const { node, bundle } = context;
  const settings = {
    ...confinementSettings(fleet, context),
    ...classSettings(fleet, fleet.classes[0], "worker"),
  };
  const folder = String(settings.handlers);
  const subject = folder === "" ? "workers" : `the handlers of ${folder}`;
  try {
    const env = { PATH: process.env.PATH, ...toEnvironment(settings) };
    const { stdout } = await promisify(execFile)(
      node,
      [`${bundle.directory}/main.mjs`, "supervise", "--check"],
      { env },
    );
    const controls = parseControls(stdout);
    if (controls === null) throw new Error(`supervise --check said ${stdout.slice(0, 200)}`);
    return controls;
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
    const said = (stderr ?? "").trim() || message;
    throw new HostError(
      `${subject} cannot run, so nothing was changed:\n${said}${wayOut(said, fleet, folder)}`,
    );
  }
}
