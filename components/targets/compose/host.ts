import type { ComposeHost } from "../../hosts/compose/project-inputs.ts";
import { HostError } from "../../hosts/errors.ts";

const LOCAL: ComposeHost = { kind: "local" };
const ADDRESS =
  /^(?:ssh:\/\/)?((?:[^\s@/:]+@)?(?:\[[0-9a-fA-F:.]+\]|[^-\s@/:[\]][^\s@/:[\]]*))(?::(\d{1,5}))?\/?$/;

/**
 * Config `taskfleet:host`: where the engine is. `undefined`: this machine. `identityFile`: config `taskfleet:hostKey`.
 * @throws HostError for what is no address
 */
export function parseHost(address: string | undefined, identityFile: string): ComposeHost {
  if (address === undefined || address === "") return LOCAL;
  const found = ADDRESS.exec(address);
  const [, destination = "", port = "0"] = found ?? [];
  if (found === null || Number(port) > 65_535)
    throw new HostError(
      `taskfleet:host: got ${JSON.stringify(address)}; allowed: user@host, a name of SSH's configuration, or ssh://user@host:port`,
    );
  return { kind: "ssh", destination, port: Number(port), identityFile };
}

/** The address by which Docker's clients reach the host's engine. */
export function dockerHost(host: Extract<ComposeHost, { readonly kind: "ssh" }>): string {
  return `ssh://${host.destination}${host.port === 0 ? "" : `:${host.port}`}`;
}

/** The host's name, without user. */
export function hostName({ destination }: Extract<ComposeHost, { readonly kind: "ssh" }>): string {
  return destination.replace(/^.*@/, "");
}

/** Compose's name for a stack's project. */
export function projectName(stack: string): string {
  return `taskfleet-${stack.toLowerCase().replaceAll(/[^a-z0-9_-]/g, "-")}`;
}
