import { Pool } from "undici";

/** Requests under way at once, on as many connections. */
export const CONNECTIONS = 64;

export interface Load {
  readonly requestsPerSecond: number;
  /** From the request to the end of its answer, in ms. */
  readonly latencies: readonly number[];
}

/** Posts a body again and again for so long, at full speed. Rejects when an answer is not 202. */
export async function post(base: string, key: string, body: string, ms: number): Promise<Load> {
  const pool = new Pool(base, { connections: CONNECTIONS, pipelining: 1 });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const latencies: number[] = [];
  const started = performance.now();
  const end = started + ms;
  const one = async () => {
    while (performance.now() < end) {
      const sent = performance.now();
      const answer = await pool.request({ method: "POST", path: "/api/tasks", headers, body });
      const text = await answer.body.text();
      if (answer.statusCode !== 202) throw new Error(`${answer.statusCode}: ${text}`);
      latencies.push(performance.now() - sent);
    }
  };
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, one));
    return { requestsPerSecond: (1000 * latencies.length) / (performance.now() - started), latencies };
  } finally {
    await pool.close();
  }
}
