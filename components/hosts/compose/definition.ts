import { HostError } from "../errors.ts";
import type { ComposeEngine } from "./compose-engine.ts";
import { lastWords } from "./host-shell.ts";

/** A service of `compose.yaml`, as Compose reads it with the folder's `.env`. */
export interface DefinedService {
  readonly image: string;
  /** Ends with success, and others wait for that. */
  readonly oneShot: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly published: readonly { readonly address: string; readonly port: number }[];
  /** Compose's hash of it. */
  readonly hash: string;
}

export type Definition = Readonly<Record<string, DefinedService>>;

interface ConfigService {
  readonly image?: string;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly { readonly published?: string; readonly host_ip?: string }[];
}

/** From what `config --format json` and `config --hash "*"` printed. */
export function parseDefinition(json: string, hashes: string): Definition {
  const { services = {} } = JSON.parse(json) as {
    readonly services?: Readonly<Record<string, ConfigService>>;
  };
  const awaited = Object.values(services).flatMap(({ depends_on = {} }) =>
    Object.entries(depends_on).flatMap(([name, { condition }]) =>
      condition === "service_completed_successfully" ? [name] : [],
    ),
  );
  const hashOf = new Map(hashes.split("\n").map((line) => line.trim().split(/\s+/) as [string, string]));
  return Object.fromEntries(
    Object.entries(services).map(([name, { image = "", environment = {}, ports = [] }]) => {
      const published = ports.flatMap(({ published: port, host_ip }) =>
        /^\d+$/.test(port ?? "") ? [{ address: host_ip ?? "0.0.0.0", port: Number(port) }] : [],
      );
      const variables = Object.entries(environment).map(([key, value]) => [key, value ?? ""]);
      const oneShot = awaited.includes(name);
      return [
        name,
        {
          image,
          oneShot,
          published,
          hash: hashOf.get(name) ?? "",
          environment: Object.fromEntries(variables),
        },
      ];
    }),
  );
}

/** What Compose makes of the folder's files. @throws HostError with what it does not understand. */
export async function readDefinition(engine: ComposeEngine, folder: string): Promise<Definition> {
  const [config, hashes] = await Promise.all([
    engine.compose(folder, ["config", "--format", "json"]),
    engine.compose(folder, ["config", "--hash", "*"]),
  ]);
  const failed = [config, hashes].find(({ code }) => code !== 0);
  if (failed !== undefined)
    throw new HostError(`Compose does not accept ${folder}/compose.yaml: ${lastWords(failed)}`);
  return parseDefinition(config.stdout, hashes.stdout);
}
