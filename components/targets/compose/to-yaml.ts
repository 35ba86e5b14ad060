import { Document, isMap, isScalar, isSeq, visit, type YAMLMap } from "yaml";
import type { NamedService } from "./service.ts";

/** All of a `compose.yaml`. */
export interface ComposeFile {
  readonly about: string;
  readonly name: string;
  readonly services: readonly NamedService[];
  readonly networks: Readonly<Record<string, { readonly about: string; readonly definition: object }>>;
  readonly volumes: readonly string[];
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

/** Parts that would only be noise when empty. */
function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function withoutEmpty(parts: object): object {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => !isEmpty(value)));
}

/** A comment above each key that has one; a blank line between services. */
function comment(map: unknown, texts: Readonly<Record<string, string>>, spaced: boolean): void {
  if (!isMap(map)) return;
  for (const [index, { key }] of (map as YAMLMap).items.entries()) {
    if (!isScalar(key)) continue;
    const text = texts[String(key.value)];
    if (text !== undefined) key.commentBefore = ` ${text}`;
    if (spaced && index > 0) key.spaceBefore = true;
  }
}

/** Words of a command and names stand on one line. */
function shorten(document: Document): void {
  visit(document, {
    Seq: (_key, list) => {
      if (isSeq(list)) list.flow = list.items.every((item) => isScalar(item));
    },
  });
}

/** The file as people read it: the same text for the same project, in the order of the services given. */
export function composeYaml(file: ComposeFile): string {
  const networks = Object.entries(file.networks);
  const document = new Document(
    {
      name: file.name,
      services: Object.fromEntries(file.services.map(({ name, service }) => [name, withoutEmpty(service)])),
      networks: Object.fromEntries(networks.map(([name, { definition }]) => [name, definition])),
      volumes: Object.fromEntries(file.volumes.map((name) => [name, {}])),
      secrets: file.secrets,
    },
    // Compose reads YAML 1.1 too, where a bare `no` is no text.
    { aliasDuplicateObjects: false, compat: "yaml-1.1" },
  );
  shorten(document);
  document.commentBefore = file.about
    .split("\n")
    .map((line) => ` ${line}`)
    .join("\n");
  comment(document.contents, {}, true);
  comment(
    document.get("services"),
    Object.fromEntries(file.services.map(({ name, about }) => [name, about])),
    true,
  );
  comment(
    document.get("networks"),
    Object.fromEntries(networks.map(([name, { about }]) => [name, about])),
    false,
  );
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
