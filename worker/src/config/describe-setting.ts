import type { NumberSetting, Setting } from "../../contract/settings.ts";

const UNIT_WORDS = {
  s: "seconds",
  ms: "milliseconds",
  bytes: "bytes",
  count: "",
  port: "",
  factor: "",
} as const satisfies Record<NumberSetting["unit"], string>;

/** What a setting may hold, in words: `a whole number from 1 to 1024`. */
export function allowedValues(setting: Setting): string {
  switch (setting.type) {
    case "number":
    case "integer": {
      const noun = setting.type === "integer" ? "a whole number" : "a number";
      const unit = UNIT_WORDS[setting.unit];
      return `${noun}${unit === "" ? "" : ` of ${unit}`} from ${setting.min} to ${setting.max}`;
    }
    case "switch":
      return "1, true, yes, on, 0, false, no or off";
    case "choice":
      return `one of ${setting.choices.join(", ")}`;
    case "list":
      return "a comma-separated list";
    case "secret":
      return `text, or the path of a file with it in ${setting.env}_FILE`;
    case "text":
      return "text";
  }
}

/** A setting's default as one would write it in the environment; "" where there is none. */
export function defaultText(setting: Setting): string {
  if (setting.type === "switch") return setting.default ? "1" : "0";
  if (setting.type === "list") return setting.default.join(",");
  return String(setting.default);
}
