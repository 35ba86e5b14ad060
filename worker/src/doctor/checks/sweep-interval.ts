import { type Check, failed, ok } from "../check.ts";

/** Workers renew their lease every third of it. */
const HEARTBEATS_A_LEASE = 3;

/** The sweep does not look more often than anything can change. */
export const sweepInterval: Check = {
  id: "sweep-interval",
  title: "Sweep is no shorter than a heartbeat",
  source: "hazards",
  run: ({ fleet: { lease, sweepInterval: sweep, source } }) => {
    // In whole ms, so that thirds do not differ in their last digit.
    const heartbeat = Math.floor((lease * 1000) / HEARTBEATS_A_LEASE) / 1000;
    const text = `sweep every ${sweep} s, heartbeat every ${heartbeat} s (${source})`;
    if (sweep >= heartbeat) return ok(text);
    return failed(
      `${text}: most sweeps find what the last one found`,
      `TASKFLEET_SWEEP_INTERVAL of ${heartbeat} or more`,
    );
  },
};
