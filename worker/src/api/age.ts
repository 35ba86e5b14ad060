import { type TSchemaOptions, Type } from "typebox";

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A length of time as people write it. */
export function age(options: TSchemaOptions & { readonly default?: string } = {}) {
  return Type.String({ pattern: "^\\d+(\\.\\d+)?[smhd]$", description: "90s, 5m, 1h, 2d.", ...options });
}

/** What a text that fits `age` means, in ms. */
export function ageMs(text: string): number {
  return Math.round(Number.parseFloat(text) * (UNITS_MS[text.at(-1) ?? ""] ?? 0));
}
