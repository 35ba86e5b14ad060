import type { Redis } from "ioredis";
import { FLEET_KEYS } from "../../../contract/fleet-keys.ts";
import type { ApiReport } from "../../../contract/records.ts";
import { SCRIPTS } from "./scripts.ts";

/** An API's last report, and when it came (server time, ms). */
export type ReportedApi = ApiReport & { readonly seen_at: number };

/** A report that is older is of an API that has ended. */
const COUNTS_MS = 30_000;

/** What the processes of the role api say of themselves, so that others find them. */
export class ApiReports {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async report(report: ApiReport): Promise<void> {
    const args = [report.id, JSON.stringify(report), COUNTS_MS];
    await SCRIPTS.reportApi.run(this.#redis, [FLEET_KEYS.apis], args);
  }

  async forget(id: string): Promise<void> {
    await this.#redis.hdel(FLEET_KEYS.apis, id);
  }

  /** Those that reported within 30 s before `nowMs`, by the server's clock; by id. */
  async list(nowMs: number): Promise<ReportedApi[]> {
    const found = await this.#redis.hgetall(FLEET_KEYS.apis);
    return Object.values(found)
      .map((text) => {
        const space = text.indexOf(" ");
        const report = JSON.parse(text.slice(space + 1)) as ApiReport;
        return { ...report, seen_at: Number(text.slice(0, space)) };
      })
      .filter(({ seen_at }) => nowMs - seen_at <= COUNTS_MS)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}
