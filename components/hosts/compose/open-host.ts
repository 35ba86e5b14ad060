import { ComposeEngine } from "./compose-engine.ts";
import type { HostShell } from "./host-shell.ts";
import { localShell } from "./local-shell.ts";
import type { ComposeProjectInputs } from "./project-inputs.ts";
import { sshShell } from "./ssh-shell.ts";

export type Address = Pick<ComposeProjectInputs, "project" | "host">;

function openShell({ host }: Address): HostShell {
  return host.kind === "local" ? localShell(process.env) : sshShell(host, process.env);
}

/** Runs `action` on the project's engine. @throws HostError when that is not there */
export async function withEngine<T>(
  address: Address,
  action: (engine: ComposeEngine) => Promise<T>,
): Promise<T> {
  return action(await ComposeEngine.open(openShell(address), address.project, process.env));
}
