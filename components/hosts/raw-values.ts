/**
 * Property values as the engine sends them to a provider. Secrets, unknown values and outputs arrive as
 * marked objects; these functions read the marks and put them on.
 */

const MARK = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
/** What stands for a value that is not known before the update, such as an output of a new resource. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

type Properties = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function mapInside(value: unknown, change: (inner: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)]));
}

/** The value without marks; a value that is not known yet stays the engine's sign for that. */
export function unwrap(value: unknown): unknown {
  if (!isObject(value)) return mapInside(value, unwrap);
  if (value[MARK] === SECRET) return unwrap(value.value);
  if (value[MARK] === OUTPUT) return "value" in value ? unwrap(value.value) : UNKNOWN;
  return mapInside(value, unwrap);
}

/** The properties of a resource without marks. */
export function unwrapProperties(properties: unknown): Properties {
  const plain = unwrap(properties);
  return isObject(plain) ? plain : {};
}

export function secret(value: unknown): unknown {
  return { [MARK]: SECRET, value };
}

/** The value as it may be stored: secrets keep their mark, outputs become plain or secret values. */
export function storable(value: unknown): unknown {
  if (!isObject(value)) return mapInside(value, storable);
  if (value[MARK] === SECRET) return secret(unwrap(value.value));
  if (value[MARK] === OUTPUT) return value.secret === true ? secret(unwrap(value)) : unwrap(value);
  return mapInside(value, storable);
}

function anywhere(value: unknown, test: (inner: unknown) => boolean): boolean {
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((inner) => anywhere(inner, test));
  return isObject(value) && Object.values(value).some((inner) => anywhere(inner, test));
}

/** Whether any part of the value is not known yet. */
export function hasUnknown(value: unknown): boolean {
  return anywhere(unwrap(value), (inner) => inner === UNKNOWN);
}

/** Whether any part of the value is a secret. */
export function hasSecret(value: unknown): boolean {
  return anywhere(
    value,
    (inner) =>
      isObject(inner) && (inner[MARK] === SECRET || (inner[MARK] === OUTPUT && inner.secret === true)),
  );
}
