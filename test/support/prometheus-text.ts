/** A strict reader of Prometheus' text format 0.0.4: throws at the first line that a scraper might refuse. */
export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  /** Values by `name{label="value",…}` as printed, labels in their printed order. */
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"`;
const HELP = new RegExp(`^# HELP (${NAME}) (.+)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`);
const SAMPLE = new RegExp(`^((${NAME})(?:\\{${LABEL}(?:,${LABEL})*\\})?) (\\S+)$`);
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"],
};

export function parsePrometheusText(text: string): ReadonlyMap<string, ParsedFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line has no line feed");
  const families = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  let current = "";
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const help = HELP.exec(line);
    const type = TYPE.exec(line);
    if (help !== null) {
      current = help[1] ?? "";
      if (families.has(current)) throw new Error(`family ${current} stands twice`);
      families.set(current, { type: "", help: help[2] ?? "", samples: new Map() });
      continue;
    }
    const family = families.get(current);
    if (family === undefined) throw new Error(`before the first family: ${line}`);
    if (type !== null) {
      if (type[1] !== current || family.type !== "") throw new Error(`type out of place: ${line}`);
      family.type = type[2] ?? "";
      continue;
    }
    addSample(line, current, family);
  }
  return families;
}

function addSample(line: string, name: string, family: { type: string; samples: Map<string, number> }): void {
  const match = SAMPLE.exec(line);
  if (match === null) throw new Error(`not a sample: ${line}`);
  const [, series = "", metric = "", text = ""] = match;
  const allowed = (SUFFIXES[family.type] ?? [""]).map((suffix) => name + suffix);
  if (!allowed.includes(metric)) throw new Error(`${metric} in the family of ${name}`);
  const value = text === "+Inf" ? Infinity : Number(text);
  if (Number.isNaN(value) && !/^nan$/i.test(text)) throw new Error(`not a number: ${line}`);
  if (family.samples.has(series)) throw new Error(`${series} stands twice`);
  family.samples.set(series, value);
}
