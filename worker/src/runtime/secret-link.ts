/** Secrets of a confined worker: its supervisor reads the sources and says what it is asked for, and what changes. */
import type { SecretSource } from "../ports/secret-source.ts";
import { type SupervisorMessage, tellSupervisor } from "./supervisor-link.ts";

type SecretsMessage = Extract<SupervisorMessage, { readonly secrets: unknown }>;

/** The source that this process's supervisor is. It gives only the names that it was asked for. */
export function supervisorSource(): SecretSource {
  const names = new Set<string>();
  let newest: SecretsMessage | undefined;
  let heard: (() => void) | undefined;
  let changed: () => void = () => {};
  process.on("message", (message: SupervisorMessage) => {
    if (!("secrets" in message)) return;
    newest = message;
    if (heard === undefined) changed();
    else heard();
  });

  /** The answer to what is asked now. */
  const ask = async (): Promise<void> => {
    if (process.connected !== true) throw new Error("there is no supervisor, which alone reads the sources");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const gone = () => reject(new Error("the supervisor is gone"));
    heard = resolve;
    process.once("disconnect", gone);
    try {
      await tellSupervisor({ needs: [...names] });
      await promise;
    } finally {
      heard = undefined;
      process.off("disconnect", gone);
    }
  };

  let asked = 0;
  return {
    name: "the supervisor",
    changes: "watch",
    need: (further) => {
      for (const name of further) names.add(name);
    },
    read: async () => {
      if (names.size > asked) {
        asked = names.size;
        await ask();
      }
      const { secrets = {}, problem = "" } = newest ?? {};
      if (problem !== "") throw new Error(problem);
      return new Map(Object.entries(secrets));
    },
    watch: (tell) => {
      changed = tell;
      return () => {
        changed = () => {};
      };
    },
  };
}
