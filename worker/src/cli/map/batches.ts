/** One file of a `map`. */
export interface MapFile {
  /** Its place in the order of the results, from 0. */
  readonly index: number;
  /** As given; what `{}` stands for. */
  readonly name: string;
  /** In bytes, as measured before the first push. */
  readonly size: number;
}

/** Cuts files into batches of at most so many files and bytes; a file over the bytes stands alone. */
export function* batches(
  files: Iterable<MapFile>,
  { maxFiles, maxBytes }: { maxFiles: number; maxBytes: number },
): Generator<readonly MapFile[]> {
  let batch: MapFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (batch.length > 0 && (batch.length >= maxFiles || bytes + file.size > maxBytes)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += file.size;
  }
  if (batch.length > 0) yield batch;
}
