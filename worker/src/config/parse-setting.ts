import type { NumberSetting, Setting } from "../../contract/settings.ts";

/** The value of a setting of each type. */
export type ValueOf<S extends Setting> = S extends { readonly type: "number" | "integer" }
  ? number
  : S extends { readonly type: "switch" }
    ? boolean
    : S extends { readonly type: "list" }
      ? readonly string[]
      : S extends { readonly type: "choice"; readonly choices: readonly (infer C)[] }
        ? C
        : string;

export type SettingValue = number | boolean | string | readonly string[];

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const SWITCH_WORDS = new Map([
  ...["1", "true", "yes", "on"].map((word) => [word, true] as const),
  ...["0", "false", "no", "off"].map((word) => [word, false] as const),
]);

function parseNumber(setting: NumberSetting, text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = Number(text);
  if (value < setting.min || value > setting.max) return undefined;
  return setting.type === "integer" && !Number.isInteger(value) ? undefined : value;
}

function parseSwitch(text: string): boolean | undefined {
  return SWITCH_WORDS.get(text.toLowerCase());
}

function parseList(text: string): readonly string[] | undefined {
  const items = text.split(",").map((item) => item.trim());
  return items.includes("") ? undefined : items;
}

/** The value that `text` means for this setting, or `undefined` when it means none. */
export function parseSetting(setting: Setting, text: string): SettingValue | undefined {
  switch (setting.type) {
    case "number":
    case "integer":
      return parseNumber(setting, text.trim());
    case "switch":
      return parseSwitch(text.trim());
    case "list":
      return parseList(text);
    case "choice":
      return setting.choices.includes(text.trim()) ? text.trim() : undefined;
    case "text":
      return text.trim();
    case "secret":
      return text;
  }
}
