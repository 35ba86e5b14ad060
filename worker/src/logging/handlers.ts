/** Where logs go: the items of `LOG_HANDLERS` and `LOG_FIELDS`. Pure. */

export const LOG_FORMATS = ["json", "people", "logfmt"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** `format`: of this handler alone; `undefined`: as all. */
export type LogHandler =
  | { readonly to: "stdout" | "stderr"; readonly format: LogFormat | undefined }
  | {
      readonly to: "file";
      readonly path: string;
      /** Size at which the file is put aside. */
      readonly maxBytes: number;
      /** How many such files are kept beside it. */
      readonly keep: number;
      readonly format: LogFormat | undefined;
    };

export const HANDLER_FORMS =
  "stdout, stderr and file:PATH, behind it what is wanted of ?format=json|people|logfmt and, for a file, " +
  "max=10mb (1kb to 1gb) and keep=5 (1 to 100) with & between them";

const FORM = /^(?<to>stdout|stderr|file:(?<path>[^?]+))(?:\?(?<options>.*))?$/;
const SIZE = /^(\d{1,10})(kb|mb|gb)$/;
const UNITS: Readonly<Record<string, number>> = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
const MOST_KEPT = 100;

function parseSize(text: string): number | undefined {
  const [, digits, unit = ""] = SIZE.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit] ?? Number.NaN);
  return bytes >= 1024 && bytes <= 1024 ** 3 ? bytes : undefined;
}

/** Reads an item of `LOG_HANDLERS`; `undefined` when it is none. */
export function parseLogHandler(item: string): LogHandler | undefined {
  const { to, path, options = "" } = FORM.exec(item)?.groups ?? {};
  if (to === undefined) return undefined;
  const given = new URLSearchParams(options);
  const allowed = path === undefined ? ["format"] : ["format", "max", "keep"];
  if ([...given.keys()].some((name) => !allowed.includes(name))) return undefined;
  const wanted = given.get("format");
  const format = LOG_FORMATS.find((known) => known === wanted);
  if (wanted !== null && format === undefined) return undefined;
  if (path === undefined) return { to: to as "stdout" | "stderr", format };
  const maxBytes = parseSize(given.get("max") ?? "10mb");
  const keep = Number(given.get("keep") ?? 5);
  if (maxBytes === undefined || !Number.isInteger(keep) || keep < 1 || keep > MOST_KEPT) return undefined;
  return { to: "file", path, maxBytes, keep, format };
}

const RENAME = /^([A-Za-z_][\w.]*)=([A-Za-z_@][\w.@-]*)$/;

/** Reads an item of `LOG_FIELDS`, `<our name>=<wanted name>`; `undefined` when it is none. */
export function parseRename(item: string): readonly [string, string] | undefined {
  const [, from, to] = RENAME.exec(item) ?? [];
  return from === undefined || to === undefined ? undefined : [from, to];
}
