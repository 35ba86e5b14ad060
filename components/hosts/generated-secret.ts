import { randomBytes } from "node:crypto";
import type { ResourceType } from "./resource-type.ts";

export interface SecretInputs {
  /** Random bytes in the secret. */
  readonly bytes: number;
}
export interface SecretState {
  /** In base64url: letters, digits, `-` and `_`. */
  readonly value: string;
}

const LEAST_BYTES = 16;
const MOST_BYTES = 1024;

/** `taskfleet:host:Secret`: made once, kept in the state, which encrypts it. */
export const generatedSecret: ResourceType<SecretInputs, SecretState> = {
  secretOutputs: ["value"],
  noSecretsIn: [],
  check: ({ bytes }) =>
    Number.isInteger(bytes) && bytes >= LEAST_BYTES && bytes <= MOST_BYTES
      ? []
      : [{ property: "bytes", reason: `got ${bytes}; allowed: ${LEAST_BYTES} to ${MOST_BYTES}` }],
  diff: (olds, news) => ({
    changes: olds.bytes !== news.bytes,
    replaces: olds.bytes === news.bytes ? [] : ["bytes"],
  }),
  create: async ({ bytes }) => ({ id: "secret", state: { value: randomBytes(bytes).toString("base64url") } }),
  read: async () => ({}),
  update: async ({ value }) => ({ value }),
  delete: async () => {},
};
