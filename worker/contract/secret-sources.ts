/** Where secrets come from beside the environment: an item of `TASKFLEET_SECRET_SOURCES`. */

/** `name`: of the secret, where the source's text is not a JSON object of several. */
export type SourceSpec =
  | { readonly type: "file"; readonly path: string; readonly name: string }
  | { readonly type: "aws"; readonly id: string; readonly region: string; readonly name: string }
  | { readonly type: "gcp"; readonly version: string; readonly name: string }
  | { readonly type: "vault"; readonly mount: string; readonly path: string; readonly name: string }
  /** The supervisor of a confined worker, which sets this itself. */
  | { readonly type: "supervisor" };

export const SUPERVISOR = "supervisor";

export const SOURCE_FORMS =
  "file:/path/of.json, aws:<secret id>[?region=<region>], gcp:projects/<p>/secrets/<s>[/versions/<v>] and " +
  "vault:<mount>/<path>, each with #NAME behind it where it is one text without a name";

const FORM = /^(?<type>file|aws|gcp|vault):(?<place>[^#]+)(?:#(?<name>[A-Za-z_][A-Za-z0-9_]*))?$/;
const AWS = /^(?<id>[A-Za-z0-9/_+=.@:!-]+)(?:\?region=(?<region>[a-z0-9-]+))?$/;
const GCP = /^projects\/[^/]+\/secrets\/(?<secret>[A-Za-z0-9_-]+)(?<version>\/versions\/(?:\d+|latest))?$/;
const VAULT = /^(?<mount>[^/]+)\/(?<path>.*[^/])$/;

/** Reads an item; `undefined` when it is none. */
export function parseSource(item: string): SourceSpec | undefined {
  if (item === SUPERVISOR) return { type: SUPERVISOR };
  const { type, place = "", name } = FORM.exec(item)?.groups ?? {};
  if (type === "file") return { type, path: place, name: name ?? secretName(place.replace(/\.[^./]*$/, "")) };
  if (type === "aws") {
    const { id, region = "" } = AWS.exec(place)?.groups ?? {};
    return id === undefined ? undefined : { type, id, region, name: name ?? secretName(id) };
  }
  if (type === "gcp") {
    const { secret, version = "/versions/latest" } = GCP.exec(place)?.groups ?? {};
    if (secret === undefined) return undefined;
    const versioned = place.includes("/versions/") ? place : `${place}${version}`;
    return { type, version: versioned, name: name ?? secretName(secret) };
  }
  if (type === "vault") {
    const { mount, path } = VAULT.exec(place)?.groups ?? {};
    if (mount === undefined || path === undefined) return undefined;
    return { type, mount, path, name: name ?? secretName(path) };
  }
  return undefined;
}

/** `prod/openai-api-key` is `OPENAI_API_KEY`: the last part of a path, in capitals. */
export function secretName(path: string): string {
  const last = path.split(/[/:]/).findLast((part) => part !== "") ?? "";
  return last.replaceAll(/[^A-Za-z0-9]+/g, "_").toUpperCase();
}
