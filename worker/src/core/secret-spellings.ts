/** How a secret may be written elsewhere, and what of it is one by itself. Pure. */
import { isSecretName, SHORTEST_SECRET } from "./secret-scan.ts";

/** A shorter line of a key is no telling part of it. */
const SHORTEST_LINE = 16;
/** User with password, and query, of a URL. */
const URL_PARTS = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:([^/?#]*:[^/?#]*)@)?[^?#]*(\?[^#]*)?/;
const PEM_BOUNDARY = /^-----(?:BEGIN|END) /;

/**
 * The secrets within a secret: the password of a URL, the lines of a key that has several, and of a JSON object, as of a
 * service account, the fields that are called like one.
 */
export function secretsWithin(secret: string): readonly string[] {
  return [...passwordOf(secret), ...linesOf(secret), ...fieldsOf(secret)];
}

/** The passwords in a URL, of one host or several, as they stand there and decoded. */
export function passwordOf(text: string): readonly string[] {
  const [, user, query = ""] = URL_PARTS.exec(text) ?? [];
  const own = user === undefined ? "" : user.slice(user.indexOf(":") + 1);
  const sentinels = /[?&]sentinelPassword=([^&#]*)/.exec(query)?.[1] ?? "";
  return [own, sentinels].flatMap((password) => (password === "" ? [] : [password, decoded(password)]));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function linesOf(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  if (lines.length === 1 || text.trimStart().startsWith("{")) return [];
  return lines
    .map((line) => line.trim())
    .filter((line) => line.length >= SHORTEST_LINE && !PEM_BOUNDARY.test(line));
}

function fieldsOf(text: string): readonly string[] {
  if (!/^\s*[[{]/.test(text)) return [];
  try {
    return within(JSON.parse(text), "");
  } catch {
    return [];
  }
}

function within(value: unknown, name: string): readonly string[] {
  if (typeof value === "string") {
    const isSecret = isSecretName(name) && value.length >= SHORTEST_SECRET;
    return isSecret ? [value, ...passwordOf(value), ...linesOf(value)] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => within(part, Array.isArray(value) ? name : key));
}

/**
 * Every way in which a secret may be written: as it is; as JSON escapes it, once and within a text of JSON, also where
 * all but ASCII is escaped; as URLs and forms do; and within Base64, as in a header of basic authentication.
 */
export function spellingsOf(secret: string): readonly string[] {
  const json = inJson(secret);
  const percent = encodeURIComponent(secret);
  const form = new URLSearchParams([["", secret]]).toString().slice(1);
  const plain = [secret, json, inJson(json), ascii(json), json.replaceAll("/", "\\/")];
  const urls = [percent, lowerEscapes(percent), inUrl(secret), form, lowerEscapes(form)];
  return [...new Set([...plain, ...urls, ...base64Of(secret)])].filter((text) => text !== "");
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** As encoders write it that keep to ASCII, or keep signs of HTML out. */
function ascii(json: string): string {
  return json.replaceAll(
    /[<>&\u0080-\uffff]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function lowerEscapes(text: string): string {
  return text.replaceAll(/%[0-9A-F]{2}/g, (sign) => sign.toLowerCase());
}

/** As the user's part of a URL has it. */
function inUrl(secret: string): string {
  const url = new URL("http://h");
  url.password = secret;
  return url.password;
}

/**
 * What Base64 of any text around the secret has in common, by where the secret begins in a group of three bytes: in both
 * alphabets.
 */
function base64Of(secret: string): readonly string[] {
  if (secret.length < SHORTEST_SECRET) return [];
  const bytes = Buffer.from(secret);
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // Signs that the neighbours have a part in.
    const first = Math.ceil((before * 4) / 3);
    const last = Math.floor(((before + bytes.length) * 4) / 3);
    const own = text.slice(first, last);
    return [own, own.replaceAll("+", "-").replaceAll("/", "_")];
  });
}
