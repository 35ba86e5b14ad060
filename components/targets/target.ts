import type { TargetName } from "../spec/defaults.ts";
import type { ResolvedFleet } from "../spec/resolve.ts";

/**
 * A target: a pure compiler from the resolved spec to the target's own document. `Context` holds what the
 * stack found out before (paths, digests); values that are born in other resources stand in the document as
 * `reference`s. The component beside it creates what the document says and decides nothing.
 */
export interface Target<Context, Document> {
  readonly name: TargetName;
  /** Throws `UnsupportedError` when the spec demands what the target cannot enforce. */
  compile(fleet: ResolvedFleet, context: Context): Document;
}
