import { all, type Input, type Output } from "@pulumi/pulumi";
import { fillReferences, type Reference, referencesIn } from "./references.ts";

/** Texts that are born elsewhere, by the references that stand for them. */
export type Values = Partial<Readonly<Record<Reference, Output<string>>>>;

/** Only what a text refers to goes in, so that a text without a secret does not become one. */
export function fill(text: string, values: Values): Input<string> {
  const names = referencesIn(text);
  if (names.length === 0) return text;
  const used = Object.fromEntries(names.map((name) => [name, values[name]]));
  return all(used).apply((known) => {
    const texts = Object.entries(known).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return fillReferences(text, Object.fromEntries(texts));
  });
}
