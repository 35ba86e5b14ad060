import { IMAGE_NAMES, IMAGES, type ImageName } from "../platform/images.ts";
import type { KnownImages } from "../platform/resolve-images.ts";

/** One image as `taskfleet images list` shows it. */
export interface ListedImage {
  readonly name: ImageName;
  /** What is used: the override, or the listed tag. */
  readonly reference: string;
  /** `sha256:...` of the lock file; "" where it has none or the image is overridden. */
  readonly digest: string;
  readonly overridden: boolean;
  readonly use: string;
}

export function listImages({ overrides, lock }: KnownImages): readonly ListedImage[] {
  return IMAGE_NAMES.map((name) => {
    const { reference, use } = IMAGES[name];
    const override = overrides[name];
    return {
      name,
      reference: override ?? reference,
      digest: override === undefined ? (lock[reference] ?? "") : "",
      overridden: override !== undefined,
      use,
    };
  });
}

/** Letters of a digest that tell it from others to an eye. */
const SHORT = "sha256:0123456789ab".length;

export function listText(images: readonly ListedImage[]): string {
  const rows = images.map(({ name, reference, digest, overridden, use }) => [
    name,
    reference,
    overridden ? "overridden" : digest === "" ? "not locked" : digest.slice(0, SHORT),
    use,
  ]);
  const all = [["name", "image", "digest", "use"], ...rows];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return `${all.map((row) => line(row).trimEnd()).join("\n")}\n`;
}
