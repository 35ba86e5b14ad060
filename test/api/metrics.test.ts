import assert from "node:assert/strict";
import { METRICS } from "../../worker/contract/metrics.ts";
import { parsePrometheusText } from "../support/prometheus-text.ts";
import type { TestQueue } from "../support/queue.ts";
import { makeKey, TestApi, withApi } from "./support.ts";

describe("the API's metrics", () => {
  let queue: TestQueue;
  let api: TestApi;
  withApi((...made) => {
    [queue, api] = made;
  });
  const families = async (of: TestApi) => parsePrometheusText(await of.parts.metrics.text());
  const samples = async (of: TestApi, name: string) =>
    Object.fromEntries((await families(of)).get(name)?.samples ?? []);

  it("count requests by route template, method and class of status; paths of callers make no labels", async () => {
    await api.post("/api/tasks", { kind: "k", id: "a" });
    await api.post("/api/tasks", { kind: "k", id: "b" });
    await api.post("/api/tasks", { kind: "nope" });
    await api.get("/api/tasks/a");
    await api.get("/api/tasks/b");
    await api.get("/no/such/path");
    await api.get("/nor/this");
    await api.call("PUT", "/api/tasks");
    await api.get("/health", "");
    const none = 'route="none",method="GET"';
    const expected = {
      'api_requests_total{route="/api/tasks",method="POST",status="2xx"}': 2,
      'api_requests_total{route="/api/tasks",method="POST",status="4xx"}': 1,
      'api_requests_total{route="/api/tasks/:id",method="GET",status="2xx"}': 2,
      [`api_requests_total{${none},status="4xx"}`]: 2,
      'api_requests_total{route="/api/tasks",method="PUT",status="4xx"}': 1,
      'api_requests_total{route="/health",method="GET",status="2xx"}': 1,
    };
    assert.deepEqual(await samples(api, "api_requests_total"), expected);
    const durations = await samples(api, "api_request_seconds");
    assert.equal(durations[`api_request_seconds_count{route="/api/tasks",method="POST"}`], 3);
    assert.equal(durations[`api_request_seconds_count{${none}}`], 2);
    assert.equal(durations[`api_request_seconds_bucket{le="60",${none}}`], 2);
  });

  it("count calls that were one too many by what they were counted by", async () => {
    const limit = { TASKFLEET_API_RATE: "1", TASKFLEET_API_RATE_WINDOW: "3600" };
    const limited = await TestApi.start(queue, limit);
    const { key } = await makeKey(queue);
    const push = (with_: string) => limited.call("POST", "/api/tasks", { key: with_, body: { kind: "k" } });
    const statuses = [];
    for (const one of [key, key, key, "", ""]) statuses.push((await push(one)).status);
    assert.deepEqual(statuses, [202, 429, 429, 401, 429]);
    assert.deepEqual(await samples(limited, "api_rate_limited_total"), {
      'api_rate_limited_total{by="key"}': 2,
      'api_rate_limited_total{by="address"}': 1,
    });
    await limited.close();
  });

  it("have the names, types, labels and help of the contract", async () => {
    await api.get("/health", "");
    const found = await families(api);
    const { apiRequests, apiDuration, apiLimited } = METRICS;
    for (const { name, type, help, labels } of [apiRequests, apiDuration, apiLimited]) {
      const family = found.get(name);
      assert.deepEqual([name, family?.type, family?.help], [name, type, help]);
      const used = [...(family?.samples.keys() ?? [])].flatMap((series) =>
        [...series.matchAll(/[{,](\w+)="/g)].map(([, label]) => label),
      );
      const allowed: readonly string[] = type === "histogram" ? [...labels, "le"] : labels;
      assert.deepEqual([...new Set(used)].sort(), [...allowed].sort());
    }
  });
});
