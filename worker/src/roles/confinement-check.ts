/** `supervise --check`: could a worker be started here, and how would it be confined? */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { EXIT } from "../../contract/exit-codes.ts";
import { SETTINGS } from "../../contract/settings.ts";
import { removeWorkerGroup } from "../adapters/cgroups/worker-group.ts";
import { loadSettings } from "../config/load-settings.ts";
import { newWorkerId } from "../runtime/worker-id.ts";
import { chooseStart } from "../supervisor/confined-start.ts";
import { ScratchParent } from "../supervisor/scratch-parent.ts";

/**
 * Has what a worker would be load the handlers, and prints the controls as JSON. Returns 0, or 1 with what is
 * wrong on standard error.
 * @throws SettingsError when a worker could not start either.
 */
export async function checkConfinement(env: NodeJS.ProcessEnv): Promise<number> {
  const settings = loadSettings(env, "worker");
  const workerId = newWorkerId();
  const scratch = new ScratchParent();
  try {
    const start = chooseStart(settings, workerId, process.argv[1] ?? "", scratch.make());
    const folder = start.env[SETTINGS.handlers.env] ?? settings.handlers;
    const [command = start.node, ...words] = [
      ...start.wrap,
      start.node,
      start.main,
      "kinds",
      "--folder",
      folder,
    ];
    const child = spawn(command, words, {
      cwd: start.cwd,
      env: { PATH: env.PATH, ...start.env },
      // As a worker's: the words in front of it may say something on the last one.
      stdio: ["ignore", "ignore", "inherit", "ignore", "ignore", "pipe"],
    });
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) return EXIT.failed;
    process.stdout.write(
      `${start.env[SETTINGS.controls.env] ?? JSON.stringify({ enforced: [], lost: [] })}\n`,
    );
    return EXIT.ok;
  } finally {
    await removeWorkerGroup(settings.runDirectory, workerId);
    await scratch.remove();
  }
}
