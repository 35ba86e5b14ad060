/** What this process counts of its sessions, and how a registry shows it. */
import { Counter, Gauge, type Registry } from "prom-client";
import { METRICS } from "../../../contract/metrics.ts";
import { SESSION_CLOSE, type SessionClose } from "../../../contract/sessions.ts";

/** Why a connection ended: the server's reasons, `client`: it closed, `lost`: it was gone, `size`: its message was too large. */
export type SessionEnd = SessionClose | "client" | "lost" | "size";

const REASONS = [...(Object.keys(SESSION_CLOSE) as SessionClose[]), "client", "lost", "size"] as const;

export class SessionCounts {
  /** Connections with a session, now. */
  open = 0;
  opened = 0;
  resumed = 0;
  received = 0;
  sent = 0;
  /** Connections that ended, by why. */
  readonly ends = new Map<SessionEnd, number>(REASONS.map((reason) => [reason, 0]));

  closed(why: SessionEnd): void {
    this.ends.set(why, (this.ends.get(why) ?? 0) + 1);
  }
}

/** Shows the counts in a registry. */
export function exposeSessions(registry: Registry, counts: SessionCounts): void {
  const { sessionsOpen, sessionsBegun, sessionMessages, sessionEnds } = METRICS;
  const registers = [registry];
  new Gauge({
    ...{ name: sessionsOpen.name, help: sessionsOpen.help, registers },
    collect() {
      this.set(counts.open);
    },
  });
  const counter = (
    { name, help, labels }: typeof sessionsBegun | typeof sessionMessages | typeof sessionEnds,
    values: () => Iterable<readonly [string, number]>,
  ) => {
    const [label] = labels;
    new Counter({
      ...{ name, help, labelNames: [label], registers },
      collect() {
        this.reset();
        for (const [value, count] of values()) this.inc({ [label]: value }, count);
      },
    });
  };
  counter(sessionsBegun, () => [
    ["opened", counts.opened],
    ["resumed", counts.resumed],
  ]);
  counter(sessionMessages, () => [
    ["received", counts.received],
    ["sent", counts.sent],
  ]);
  counter(sessionEnds, () => counts.ends);
}
