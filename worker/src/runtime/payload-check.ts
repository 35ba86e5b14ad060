import { TaskRefusedError } from "../core/errors.ts";
import type { DeliveredTask } from "../core/task.ts";
import { TaskValidator } from "../core/validate-task.ts";
import type { LoadedHandler } from "../handlers/load-handlers.ts";
import type { CheckedPayload } from "./dispatcher.ts";

/**
 * Checks a task again where it runs: whoever pushed it may have had another schema, or other secrets.
 * `environment`: whose secrets no payload may carry; `secrets`: further ones, live.
 */
export function payloadCheck(
  handlers: ReadonlyMap<string, LoadedHandler>,
  maxPayloadBytes: number,
  environment: Readonly<Record<string, string | undefined>>,
  secrets?: () => readonly string[],
): (task: DeliveredTask) => CheckedPayload {
  const validator = new TaskValidator({
    kinds: handlers.values(),
    maxPayloadBytes,
    environment,
    ...(secrets ? { secrets } : {}),
  });
  return ({ kind, payloadText }) => {
    const parsed = parse(payloadText);
    // The parser's own message would show a part of the text.
    if (parsed === undefined) return { reason: "payload", message: "payload: is not JSON" };
    try {
      validator.checkPayload(kind, parsed.payload, payloadText);
      return parsed;
    } catch (error) {
      if (!(error instanceof TaskRefusedError)) throw error;
      return { reason: error.reason === "secret" ? "secret" : "payload", message: error.message };
    }
  };
}

function parse(text: string): { readonly payload: unknown } | undefined {
  try {
    return { payload: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
