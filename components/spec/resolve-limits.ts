import { KIND, type KindLimits, LIMIT_BOUNDS, type LimitsByKind } from "../../worker/contract/kind-limits.ts";
import { type Bounds, isRecord, type Section } from "./section.ts";

const CONCURRENCY: Bounds = { ...LIMIT_BOUNDS.concurrency, unit: "count", whole: true };
const TASKS: Bounds = { ...LIMIT_BOUNDS.tasks, unit: "count", whole: true };
/** The worker counts whole milliseconds. */
const PER: Bounds = {
  min: LIMIT_BOUNDS.perMs.min / 1000,
  max: LIMIT_BOUNDS.perMs.max / 1000,
  unit: "s",
  whole: false,
};

function resolveRate(section: Section): KindLimits["rate"] {
  for (const field of ["tasks", "per"]) {
    if (section.raw(field) === undefined)
      section.refuse(field, "a value, because a rate has both", "Add it.");
  }
  const tasks = section.number("tasks", TASKS, TASKS.min);
  const perMs = Math.round(section.number("per", PER, PER.min) * 1000);
  section.finish();
  return Object.freeze({ tasks, perMs });
}

function resolveKind(section: Section): KindLimits {
  if (section.keys().length === 0) {
    section.refuse("concurrency", "a limit here, or a rate", "Add one of the two, or remove the kind.");
  }
  const concurrency = section.number("concurrency", CONCURRENCY, undefined);
  const written = section.raw("rate");
  const own = written === undefined ? undefined : section.section("rate");
  const rate = own !== undefined && isRecord(written) ? resolveRate(own) : undefined;
  section.finish();
  return Object.freeze({
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(rate === undefined ? {} : { rate }),
  });
}

/** The spec's `limits`, by kind; none by default. */
export function resolveLimits(root: Section): LimitsByKind {
  const kinds = root.sections("limits", KIND, "1 to 64 characters of a-z A-Z 0-9 . _ -");
  return new Map(kinds.map(([kind, section]) => [kind, resolveKind(section)]));
}
