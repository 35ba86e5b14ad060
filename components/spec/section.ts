import { SETTINGS, type Setting, type SettingName } from "../../worker/contract/settings.ts";
import { type SpecProblem, show } from "./errors.ts";
import { nearestName } from "./nearest-name.ts";
import type { ResolvedSection, SettingFields } from "./setting-fields.ts";
import { DURATION_FORMS, formatDuration, formatSize, parseDuration, parseSize, SIZE_FORMS } from "./units.ts";

export interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly unit: "s" | "ms" | "bytes" | "count" | "port" | "factor";
  readonly whole: boolean;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseNumber(value: unknown, unit: Bounds["unit"]): number | undefined {
  if (unit === "s") return parseDuration(value);
  if (unit === "bytes") return parseSize(value);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function describeBounds({ min, max, unit, whole }: Bounds): string {
  if (unit === "s") return `${formatDuration(min)} to ${formatDuration(max)}, as ${DURATION_FORMS}`;
  if (unit === "bytes") return `${formatSize(min)} to ${formatSize(max)}, as ${SIZE_FORMS}`;
  return `${whole ? "a whole number" : "a number"} from ${min} to ${max}`;
}

/**
 * Reads one object of the spec field by field. A wrong value is noted in `problems` and the fallback is
 * returned in its place, so that all problems come out at once; `finish` refuses what nobody read.
 */
export class Section {
  readonly path: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #problems: SpecProblem[];
  readonly #known = new Set<string>();

  constructor(path: string, value: unknown, problems: SpecProblem[]) {
    this.path = path;
    this.#problems = problems;
    this.#values = isRecord(value) ? value : {};
    if (value !== undefined && !isRecord(value)) {
      this.#problems.push({
        path: path || "(the spec)",
        received: show(value),
        allowed: "an object",
        wayOut: "Write it as key and value pairs.",
      });
    }
  }

  at(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  /** The value as written; `undefined` when it is not set. */
  raw(key: string): unknown {
    this.#known.add(key);
    return this.#values[key];
  }

  refuse(key: string, allowed: string, wayOut = "Correct it, or leave it out for the default."): void {
    this.#problems.push({ path: this.at(key), received: show(this.#values[key]), allowed, wayOut });
  }

  number<Fallback>(key: string, bounds: Bounds, fallback: Fallback): number | Fallback {
    const raw = this.raw(key);
    if (raw === undefined) return fallback;
    const value = parseNumber(raw, bounds.unit);
    const fits =
      value !== undefined &&
      value >= bounds.min &&
      value <= bounds.max &&
      (!bounds.whole || Number.isInteger(value));
    if (fits) return value;
    this.refuse(key, describeBounds(bounds));
    return fallback;
  }

  /** Refuses a lower bound above its upper one, at whichever of the two is written here. */
  inOrder(
    [low, least]: readonly [string, number],
    [high, most]: readonly [string, number],
    format: (value: number) => string,
  ): void {
    if (least <= most) return;
    const wayOut = `Raise ${high} or lower ${low}.`;
    if (this.raw(low) !== undefined) this.refuse(low, `at most ${high}, which is ${format(most)}`, wayOut);
    else if (this.raw(high) !== undefined)
      this.refuse(high, `at least ${low}, which is ${format(least)}`, wayOut);
  }

  choice<Choice extends string>(key: string, choices: readonly Choice[], fallback: Choice): Choice {
    const raw = this.raw(key);
    if (raw === undefined) return fallback;
    const found = choices.find((choice) => choice === raw);
    if (found === undefined) this.refuse(key, choices.map((choice) => JSON.stringify(choice)).join(", "));
    return found ?? fallback;
  }

  choices<Choice extends string>(key: string, choices: readonly Choice[]): readonly Choice[] {
    const raw = this.raw(key);
    if (raw === undefined) return [];
    const known = (value: unknown): value is Choice => choices.some((choice) => choice === value);
    if (Array.isArray(raw) && raw.every(known)) return raw;
    this.refuse(key, `a list of ${choices.join(", ")}`);
    return [];
  }

  flag(key: string, fallback: boolean): boolean {
    const raw = this.raw(key);
    if (raw === undefined || typeof raw === "boolean") return raw ?? fallback;
    this.refuse(key, "true, false");
    return fallback;
  }

  text(key: string, pattern: RegExp, allowed: string, fallback: string): string {
    const raw = this.raw(key);
    if (raw === undefined) return fallback;
    if (typeof raw === "string" && pattern.test(raw)) return raw;
    this.refuse(key, allowed);
    return fallback;
  }

  texts(key: string, fits: (text: string) => boolean, allowed: string): readonly string[] {
    const raw = this.raw(key);
    if (raw === undefined) return [];
    const known = (value: unknown): value is string => typeof value === "string" && fits(value);
    if (Array.isArray(raw) && raw.every(known)) return Object.freeze([...raw]);
    this.refuse(key, allowed);
    return [];
  }

  /** All fields that settings of the worker image cover, bounded as those are. */
  settings<Fields extends SettingFields>(
    fields: Fields,
    fallback: (name: SettingName, field: string) => unknown,
  ): ResolvedSection<Fields> {
    const entries = Object.entries(fields).map(([field, name]) => [
      field,
      this.#setting(field, SETTINGS[name], fallback(name, field)),
    ]);
    return Object.freeze(Object.fromEntries(entries));
  }

  #setting(field: string, setting: Setting, fallback: unknown): unknown {
    switch (setting.type) {
      case "number":
      case "integer": {
        const { min, max, unit } = setting;
        return this.number(field, { min, max, unit, whole: setting.type === "integer" }, fallback);
      }
      case "switch":
        return this.flag(field, fallback === true);
      case "choice":
        return this.choice(field, setting.choices, String(fallback));
      default:
        throw new TypeError(`${this.at(field)}: a spec field cannot set the ${setting.type} ${setting.env}`);
    }
  }

  section(key: string): Section {
    return new Section(this.at(key), this.raw(key), this.#problems);
  }

  /** The sections of an object whose keys are names of the user's own. */
  sections(key: string, name: RegExp, allowed: string): readonly (readonly [string, Section])[] {
    const parent = this.section(key);
    const named: [string, Section][] = [];
    for (const child of parent.keys()) {
      if (name.test(child)) named.push([child, parent.section(child)]);
      else parent.refuse(child, `a name of ${allowed}`, "Rename it.");
    }
    return named;
  }

  keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  /** Refuses every key that was not read. */
  finish(): void {
    const known = [...this.#known];
    for (const key of this.keys().filter((candidate) => !this.#known.has(candidate))) {
      const meant = nearestName(key, known);
      this.#problems.push({
        path: this.at(key),
        received: show(this.#values[key]),
        allowed: known.toSorted().join(", "),
        wayOut: meant === undefined ? "Nothing has this name: remove it." : `Did you mean "${meant}"?`,
      });
    }
  }
}
