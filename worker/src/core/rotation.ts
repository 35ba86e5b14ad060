/**
 * Rotation of a secret by date. Pure. `X_NEW` takes the place of `X` from the moment in `X_ROTATION_DATE` on; for
 * `..._API_KEY` the date may also stand in `..._KEY_ROTATION_DATE`, as in `OPENAI_KEY_ROTATION_DATE`.
 */

export type LookUp = (name: string) => string | undefined;

const SUCCESSOR = "_NEW";
const DATE = "_ROTATION_DATE";
const DATE_FORM = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)Z?)?$/;

/** The names of a secret's date, the first that is set counts. */
function dateNames(name: string): readonly string[] {
  const own = `${name}${DATE}`;
  return name.endsWith("_API_KEY") ? [`${name.slice(0, -"_API_KEY".length)}_KEY${DATE}`, own] : [own];
}

/** Every name that says something about this secret. */
export function namesOf(name: string): readonly string[] {
  return [name, `${name}${SUCCESSOR}`, ...dateNames(name)];
}

export function isRotationDate(name: string): boolean {
  return name.endsWith(DATE);
}

/** The secret that a name is about: `X` of `X_NEW`. */
export function baseName(name: string): string {
  return name.endsWith(SUCCESSOR) ? name.slice(0, -SUCCESSOR.length) : name;
}

/** `2026-12-01`, midnight, or `2026-12-01T08:30[:00][Z]`, both UTC, in ms since the epoch; else `undefined`. */
export function parseRotationDate(text: string): number | undefined {
  const [, day, time = "00:00"] = DATE_FORM.exec(text.trim()) ?? [];
  if (day === undefined) return undefined;
  const at = new Date(`${day}T${time}Z`);
  // A 31st of February would be a day of March.
  return Number.isNaN(at.getTime()) || !at.toISOString().startsWith(day) ? undefined : at.getTime();
}

function dateOf(name: string, lookUp: LookUp): { readonly variable: string; readonly text: string } | null {
  for (const variable of dateNames(name)) {
    const text = lookUp(variable);
    if (text !== undefined) return { variable, text };
  }
  return null;
}

/** The value that counts at `now`, in ms since the epoch; without a readable date, the old one. */
export function currentSecret(name: string, lookUp: LookUp, now: number): string | undefined {
  const successor = lookUp(`${name}${SUCCESSOR}`);
  if (successor === undefined) return lookUp(name);
  const at = parseRotationDate(dateOf(name, lookUp)?.text ?? "");
  return at !== undefined && now >= at ? successor : lookUp(name);
}

/** What keeps a successor from ever counting; `undefined` when nothing does. */
export function rotationProblem(name: string, lookUp: LookUp): string | undefined {
  const successor = `${name}${SUCCESSOR}`;
  if (lookUp(successor) === undefined) return undefined;
  const date = dateOf(name, lookUp);
  if (date === null) {
    return `${successor} is set, and nothing says from when on it counts; set ${dateNames(name).join(" or ")}`;
  }
  if (parseRotationDate(date.text) !== undefined) return undefined;
  return `${date.variable} is "${date.text}"; allowed: a date such as 2026-12-01 or 2026-12-01T08:30Z, in UTC`;
}
