/** What this process counts of its sessions. */
import type { SessionClose } from "../../../contract/sessions.ts";

/** Why a connection ended: the server's reasons, `client`: it closed, `lost`: it was gone, `size`: its message was too large. */
export type SessionEnd = SessionClose | "client" | "lost" | "size";

export class SessionCounts {
  /** Connections with a session, now. */
  open = 0;
  opened = 0;
  resumed = 0;
  received = 0;
  sent = 0;
  readonly #closed = new Map<SessionEnd, number>();

  closed(why: SessionEnd): void {
    this.#closed.set(why, (this.#closed.get(why) ?? 0) + 1);
  }

  /** How many connections ended for which reason. */
  get ends(): ReadonlyMap<SessionEnd, number> {
    return this.#closed;
  }
}
