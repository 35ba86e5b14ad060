/** Something on the host is in the way. One line that names the thing and the way out; no stack. */
export class HostError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HostError";
  }
}

const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space",
  EDQUOT: "the disk quota is used up; free some space",
  EACCES: "no permission; give this user access",
  EPERM: "no permission; give this user access",
  EROFS: "the file system is read-only; choose another folder",
  ENOENT: "there is no such file or folder; create it or correct the path",
  ENOTDIR: "a part of the path is a file; move it away",
  EISDIR: "a folder of this name is in the way; move it away",
  EMFILE: "too many open files; raise `ulimit -n`",
  EAGAIN: "the system can start no more processes now; stop some",
};

/** An error of the operating system as one line: what was tried, why it failed, what to do. */
export function explain(attempt: string, error: unknown): HostError {
  const code = codeOf(error);
  const cause = CAUSES[code] ?? (error instanceof Error ? error.message : String(error));
  const again = code in CAUSES ? ", then run the update again" : "";
  return new HostError(`cannot ${attempt}: ${cause}${again}`, { cause: error });
}

/** The error's code, such as `ENOENT`; empty when it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** What was read, or `otherwise` where there is no such file or folder. Every other error stays one. */
export async function unlessMissing<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return otherwise;
    throw error;
  }
}

/** Runs `action`; an error of the operating system comes out explained. */
export async function explained<T>(attempt: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof HostError ? error : explain(attempt, error);
  }
}
