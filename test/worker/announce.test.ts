import assert from "node:assert/strict";
import type { TaskProgress } from "../../worker/contract/records.ts";
import type { Announcement } from "../../worker/src/adapters/redis/consumer.ts";
import { announcementTold, failuresTold, settledTold } from "../../worker/src/adapters/redis/told.ts";
import { Announcements } from "../../worker/src/runtime/announce.ts";
import { Heartbeat } from "../../worker/src/runtime/heartbeat.ts";
import { errorOf, reportOf, resultOf } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";
import { deliveredTask } from "./support/tasks.ts";

const task = deliveredTask();
const NOTHING: Announcement = { began: new Map(), progress: new Map() };

describe("what the record is told of running tasks", () => {
  const held = (progress: TaskProgress | null = null, stage: "running" | "ending" = "running") => [
    { task, stage, startedAt: 5, attempt: { progress } },
  ];
  const always = () => true;

  it("is that they began, until that was told", () => {
    const announcements = new Announcements();
    const news = announcements.news(held(), always);
    assert.deepEqual([...news.began], [[task, 5]]);
    assert.deepEqual(announcements.news(held(), always), news, "the call failed");
    announcements.told(news);
    assert.deepEqual(announcements.news(held(), always), NOTHING);
  });

  it("is their progress, each time that there is new", () => {
    const announcements = new Announcements();
    announcements.told(announcements.news(held(), always));
    const half = { done: 0.5, note: "half" };
    const news = announcements.news(held(half), always);
    assert.deepEqual(news, { began: new Map(), progress: new Map([[task, half]]) });
    announcements.told(news);
    assert.deepEqual(announcements.news(held(half), always), NOTHING);
    assert.equal(announcements.news(held({ ...half }), always).progress.size, 1);
  });

  it("is nothing of tasks that wait, end, or that nobody records", () => {
    const announcements = new Announcements();
    assert.deepEqual(announcements.news(held(null, "ending"), always), NOTHING);
    const waits = { task, stage: "prefetched" as const, startedAt: null, attempt: null };
    assert.deepEqual(announcements.news([waits], always), NOTHING);
    const isHeard = (stream: string) => stream !== task.stream;
    assert.deepEqual(announcements.news(held(), isHeard), NOTHING);
    assert.equal(announcements.news(held(), always).began.size, 1, "it is switched on meanwhile");
  });
});

describe("a heartbeat with news", () => {
  function beating(next: () => Announcement) {
    const sent: Announcement[] = [];
    const told: Announcement[] = [];
    const answers: PromiseWithResolvers<void>[] = [];
    const heartbeat = new Heartbeat({
      queue: {
        heartbeat: async (_tasks, _report, news = NOTHING) => {
          sent.push(news);
          const answer = Promise.withResolvers<void>();
          answers.push(answer);
          await answer.promise;
          return { lost: [], cancelled: [], paused: false };
        },
      },
      everyMs: 3_600_000,
      tasks: () => [task],
      report: () => reportOf("w"),
      news: next,
      onTold: (news) => told.push(news),
      onAnswer: () => {},
      onFailure: () => {},
    });
    return { heartbeat, sent, told, answers };
  }
  const news: Announcement = { began: new Map([[task, 5]]), progress: new Map() };

  it("comes soon, once for all, and not while one that knew less is under way", async () => {
    let now = NOTHING;
    const { heartbeat, sent, told, answers } = beating(() => now);
    try {
      const first = heartbeat.beat();
      now = news;
      heartbeat.announceSoon();
      heartbeat.announceSoon();
      await waitFor("the first call", () => sent.length === 1);
      assert.deepEqual(told, []);
      answers[0]?.resolve();
      await first;
      await waitFor("the second call", () => sent.length === 2);
      answers[1]?.resolve();
      await waitFor("its answer", () => told.length === 2);
      assert.deepEqual(sent, [NOTHING, news]);
      assert.deepEqual(told, [NOTHING, news]);
    } finally {
      heartbeat.stop();
    }
  });

  it("is not told when the call fails", async () => {
    const { heartbeat, told, answers } = beating(() => news);
    const beat = heartbeat.beat();
    answers[0]?.reject(new Error("no answer"));
    await beat;
    assert.deepEqual(told, []);
  });
});

describe("what a worker tells beside what the scripts need", () => {
  const named = deliveredTask({ id: "t-2", options: { agentId: "agent", priority: "high" }, attempts: 2 });

  it("of results: columns, and maps of what only some have", () => {
    const error = { message: "broken", reason: "handler" } as const;
    const told = settledTold([
      { task, result: resultOf(task, { handler_version: "2" }), runtimeMs: 1 },
      { task: named, result: { ...resultOf(named, { status: "error", error, kind: "j" }) }, runtimeMs: 1 },
    ]);
    assert.deepEqual(told, {
      ...{ w: "w", tag: "bundle:sha256:0", v: { k: "2", j: "1.0.0" } },
      ...{ attempts: [1, 3], enq: [1_000, 1_000], start: [1_000, 1_000], end: [2_000, 2_000] },
      ...{ failed: { 2: error }, agent: { 2: "agent" }, priority: { 2: "high" } },
    });
    const { started_at: _, ...never } = resultOf(task);
    const alone = settledTold([{ task, result: never, runtimeMs: 0 }]);
    assert.deepEqual(Object.keys(alone), ["w", "tag", "v", "attempts", "enq", "start", "end"]);
    assert.deepEqual(alone.start, [null]);
  });

  it("of failures: a row each", () => {
    const item = { task: named, error: errorOf(named), runtimeMs: 100.4, delayMs: 2_000.4 };
    assert.deepEqual(JSON.parse(failuresTold("me", [item])), {
      w: "me",
      rows: [["k", 3, 0, 1_000, 1_400, 1_500, "handler", "it broke", 2_000, "agent", "high"]],
    });
  });

  it("of what began: by the place among the call's tasks", () => {
    const began = new Map([[named, 7]]);
    assert.deepEqual(JSON.parse(announcementTold("me", [task, named], { ...NOTHING, began })), {
      w: "me",
      began: [[2, "t-2", "k", 2, 0, 1_000, 7, "agent", "high"]],
      progress: [],
    });
    assert.equal(announcementTold("me", [task], { ...NOTHING, began }), "");
  });
});
