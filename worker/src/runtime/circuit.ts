/** A circuit breaker around calls of a service: what a handler has in its hand. Its state is elsewhere. */
import { type Circuit, PermanentError, RetryLaterError } from "../handler.ts";
import type { Circuits, Verdict } from "../ports/circuits.ts";

const NAME = /^[^\p{Cc}]{1,300}$/u;

/** `signal`: the task's. A service that is still silent when the task's time is over has failed. */
function verdictOf(thrown: unknown, signal: AbortSignal): Verdict {
  if (signal.aborted) return signal.reason === "timeout" ? "failure" : "none";
  if (!(thrown instanceof Error) || thrown.name !== "PermanentError") return "failure";
  // Nobody was asked.
  return (thrown as PermanentError).reason === "denied" ? "none" : "success";
}

/** The circuit of this name, for calls under this signal. Throws a `PermanentError` for a wrong name. */
export function circuit(circuits: Circuits, name: string, signal: AbortSignal): Circuit {
  if (!NAME.test(name)) {
    throw new PermanentError(
      `circuit: got the name ${JSON.stringify(name)?.slice(0, 80)}; allowed: 1 to 300 characters without control characters`,
    );
  }
  return {
    async run(call) {
      const permit = await circuits.enter(name);
      if (permit.waitMs > 0) {
        throw new RetryLaterError("Circuit breaker open - service unavailable", {
          reason: "circuit",
          retryAfterMs: permit.waitMs,
        });
      }
      try {
        const answer = await call();
        await circuits.report(name, permit, "success");
        return answer;
      } catch (thrown) {
        await circuits.report(name, permit, verdictOf(thrown, signal));
        throw thrown;
      }
    },
  };
}
