/** An image reference, taken apart as Docker does. */
export interface ImageReference {
  /** `host[:port]`; `docker.io` where the text names none. */
  readonly registry: string;
  /** Path in the registry: `library/redis` for `redis`. */
  readonly repository: string;
  /** "" where the text has none. */
  readonly tag: string;
  /** `sha256:<hex>`, or "". */
  readonly digest: string;
}

const HUB = "docker.io";
const PATH = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

export const DIGEST = /^sha256:[0-9a-f]{64}$/;

const isHost = (part: string) => part.includes(".") || part.includes(":") || part === "localhost";

/** `undefined` for text that is no reference. */
export function parseReference(text: string): ImageReference | undefined {
  const [named = "", digest = "", more] = text.split("@");
  if (more !== undefined || (text.includes("@") && !DIGEST.test(digest))) return undefined;
  const [, name = "", tag = ""] = /^(.*?)(?::([^/:]*))?$/.exec(named) ?? [];
  const [first = "", ...rest] = name.split("/");
  const hosted = rest.length > 0 && isHost(first);
  const path = hosted ? rest.join("/") : name;
  const tagged = named.length > name.length;
  if (!PATH.test(path) || (tagged && !TAG.test(tag))) return undefined;
  const repository = hosted || path.includes("/") ? path : `library/${path}`;
  return { registry: hosted ? first : HUB, repository, tag, digest };
}
