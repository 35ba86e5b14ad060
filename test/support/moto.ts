import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { quietPort } from "./quiet-port.ts";
import { waitFor } from "./wait.ts";

const VERSION = "5.2.5";
const HOME = join(homedir(), ".cache", "taskfleet", `moto-${VERSION}`);
const SERVER = join(HOME, "bin", "moto_server");

/** AWS as moto plays it: a server on a free loopback port. */
export interface TestAws {
  readonly url: string;
  stop(): Promise<void>;
}

/** Makes moto's virtual environment, once. Throws with the reason when that is not possible here. */
function install(): void {
  if (existsSync(SERVER)) return;
  execFileSync("python3", ["-m", "venv", HOME], { stdio: "pipe" });
  execFileSync(join(HOME, "bin", "pip"), ["install", "--quiet", `moto[server]==${VERSION}`], {
    stdio: "pipe",
  });
}

/** Starts moto; a text says why it cannot be had here. */
export async function startMoto(): Promise<TestAws | string> {
  try {
    install();
  } catch (error) {
    return `moto ${VERSION} cannot be installed: ${String(error).split("\n")[0]}`;
  }
  const port = await quietPort();
  const server = spawn(SERVER, ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  await waitFor(
    "moto",
    () =>
      fetch(`${url}/moto-api/`)
        .then(({ ok }) => ok)
        .catch(() => false),
    {
      timeoutMs: 60_000,
      everyMs: 100,
    },
  );
  return {
    url,
    stop: async () => {
      server.kill("SIGKILL");
      await once(server, "exit");
    },
  };
}
