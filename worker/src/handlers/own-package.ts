/**
 * Handler modules import `@taskfleet/worker/handler`. They get this worker's own copy of it, wherever their
 * folder lies: nothing has to be installed beside them, and no second copy takes memory.
 */
import { registerHooks } from "node:module";

const SPECIFIER = "@taskfleet/worker/handler";
/** In the bundle all modules lie beside each other. */
const OWN = new URL(import.meta.url.endsWith(".ts") ? "../handler.ts" : "./handler.mjs", import.meta.url)
  .href;

let serving = false;

/** Holds for this thread from now on; further calls do nothing. */
export function serveOwnPackage(): void {
  if (serving) return;
  serving = true;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === SPECIFIER ? { url: OWN, shortCircuit: true } : next(specifier, context),
  });
}
