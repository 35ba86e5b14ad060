/** Asks registries (OCI distribution API) which digest a tag has now. */
import { createHash } from "node:crypto";
import { HostError } from "../hosts/errors.ts";
import { type ImageReference, parseReference } from "./image-reference.ts";

/** What a registry has under a tag. */
export interface FoundImage {
  /** Hash over the manifest that was read: of all platforms' where the image is for several. */
  readonly digest: string;
  /** `linux/amd64`, ...; empty where the image is for one platform, which its manifest does not name. */
  readonly platforms: readonly string[];
}

/** `user:password` in base64 for a registry's host, as `docker login` keeps it; "" where there is none. */
export type Credentials = (registry: string) => string;

const HUB = "docker.io";
const HUB_API = "registry-1.docker.io";
const PATIENCE_MS = 30_000;

/** Those of several platforms first: their digest serves every machine. */
const ACCEPTED = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** As Docker does, without TLS on this machine alone. */
function originOf(registry: string): string {
  const host = registry === HUB ? HUB_API : registry;
  return `${/^(?:localhost|127\.\d+\.\d+\.\d+)(?::|$)/.test(host) ? "http" : "https"}://${host}`;
}

async function ask(
  url: string | URL,
  headers: Readonly<Record<string, string>>,
  what: string,
): Promise<Response> {
  try {
    return await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    const reason = cause?.code ?? (error as Error).name;
    throw new HostError(
      `${what}: ${new URL(url).host} does not answer (${reason}): check the network, or behind a proxy set HTTPS_PROXY and NODE_USE_ENV_PROXY=1`,
      { cause: error },
    );
  }
}

/** The parameters of a `WWW-Authenticate: Bearer realm="...",service="..."`. */
function challenge(header: string): Readonly<Record<string, string>> {
  const parameters = [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [
    name,
    value,
  ]);
  return Object.fromEntries(parameters);
}

/** The header that a registry's challenge wants; `undefined` where it cannot be had. */
async function authorization(
  header: string,
  { registry, repository }: ImageReference,
  credentials: Credentials,
  what: string,
): Promise<string | undefined> {
  const known = credentials(registry);
  const basic = known === "" ? undefined : `Basic ${known}`;
  if (!/^bearer /i.test(header)) return basic;
  const { realm, service, scope = `repository:${repository}:pull` } = challenge(header);
  if (realm === undefined) return undefined;
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", scope);
  const answer = await ask(url, basic === undefined ? {} : { authorization: basic }, what);
  if (!answer.ok) return undefined;
  const { token, access_token } = (await answer.json()) as { token?: string; access_token?: string };
  return `Bearer ${token ?? access_token}`;
}

/** Why a registry gave no manifest, with the way out. */
function refusal(status: number, { registry, repository, tag }: ImageReference): string {
  switch (status) {
    case 401:
    case 403:
      return `${registry} does not show ${repository} to this user: docker login ${registry}, or correct the name`;
    case 404:
      return `${registry} has no ${repository}:${tag}: correct the tag in components/platform/images.ts, or name another image in taskfleet:images`;
    case 429:
      return `${registry} answers no more for now (too many requests): docker login ${registry} raises the limit, or try again later`;
    default:
      return `${registry} answered ${status}: try again later`;
  }
}

function platformsOf(manifest: string): readonly string[] {
  const { manifests = [] } = JSON.parse(manifest) as {
    manifests?: readonly { platform?: { os?: string; architecture?: string; variant?: string } }[];
  };
  const named = manifests.flatMap(({ platform }) => {
    // An attestation is for no platform.
    if (platform?.os === undefined || platform.os === "unknown") return [];
    return [[platform.os, platform.architecture, platform.variant].filter(Boolean).join("/")];
  });
  return [...new Set(named)];
}

/**
 * The digest of a `repository:tag`, computed over the manifest itself and held against what the registry says.
 *
 * @throws HostError in one line: registry not reached, unknown tag, no access, rate limit
 */
export async function findImage(reference: string, credentials: Credentials): Promise<FoundImage> {
  const image = parseReference(reference);
  if (image === undefined) throw new HostError(`${JSON.stringify(reference)} is no image reference`);
  const url = `${originOf(image.registry)}/v2/${image.repository}/manifests/${image.tag || "latest"}`;
  let answer = await ask(url, { accept: ACCEPTED }, reference);
  if (answer.status === 401) {
    const header = answer.headers.get("www-authenticate") ?? "";
    const allowed = await authorization(header, image, credentials, reference);
    if (allowed !== undefined)
      answer = await ask(url, { accept: ACCEPTED, authorization: allowed }, reference);
  }
  if (!answer.ok) throw new HostError(`${reference}: ${refusal(answer.status, image)}`);
  const manifest = Buffer.from(await answer.arrayBuffer());
  const digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
  const said = answer.headers.get("docker-content-digest");
  if (said !== null && said !== digest)
    throw new HostError(
      `${reference}: ${image.registry} says ${said} and sent a manifest of ${digest}: something between changes it`,
    );
  return { digest, platforms: platformsOf(manifest.toString("utf8")) };
}
