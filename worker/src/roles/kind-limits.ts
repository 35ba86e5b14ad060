import { effectiveLimits, type LimitsByKind, parseKindLimits } from "../../contract/kind-limits.ts";
import { LOG_EVENTS } from "../../contract/log-events.ts";
import type { LoadedHandler } from "../handlers/load-handlers.ts";
import type { Logger } from "../logging/logger.ts";

/** The limits that count for this role's kinds; warns of limits whose kind no handler runs. */
export function kindLimits(
  settings: { readonly kindLimits: readonly string[] },
  handlers: ReadonlyMap<string, LoadedHandler>,
  logger: Pick<Logger, "warn">,
): LimitsByKind {
  const { limits } = parseKindLimits(settings.kindLimits);
  const kinds = [...limits.keys()].filter((kind) => !handlers.has(kind));
  if (kinds.length > 0) logger.warn({ kinds, known: [...handlers.keys()] }, LOG_EVENTS.unknownLimits);
  return effectiveLimits(handlers.values(), limits);
}
