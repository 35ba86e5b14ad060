/** What the fleet stands on: API, record, Redis, backups, and what Prometheus reaches. */
import type { RowSpec } from "../../board.ts";
import { EXPECTED } from "../../expected.ts";
import { queries } from "../../queries.ts";
import { BOARD } from "../../scope.ts";

export const outside: RowSpec = {
  title: "API, record, Redis",
  panels: [
    {
      id: 60,
      title: "API requests",
      description: "By class of status, and what was refused as one too many.",
      unit: "ops",
      view: "lines",
      targets: [
        { expr: queries.apiRequests(BOARD), legend: "{{status}}" },
        { expr: queries.apiLimited(BOARD), legend: "limited by {{by}}" },
      ],
    },
    {
      id: 61,
      title: "API routes",
      description: "Requests a second by route.",
      unit: "ops",
      view: "stack",
      targets: [{ expr: queries.apiRequestsByRoute(BOARD), legend: "{{method}} {{route}}" }],
    },
    {
      id: 62,
      title: "API latency",
      description:
        "From a request's headers to the end of its answer; waits that clients ask for are part of it.",
      unit: "s",
      view: "lines",
      targets: [
        { expr: queries.apiQuantile(0.5, BOARD), legend: "p50" },
        { expr: queries.apiQuantile(0.99, BOARD), legend: "p99" },
      ],
    },
    {
      id: 63,
      title: "Sessions",
      description: "WebSocket sessions that are connected, opened or resumed, and ended.",
      unit: "short",
      view: "lines",
      targets: [
        { expr: queries.sessions(), legend: "connected" },
        { expr: queries.sessionsBegun(BOARD), legend: "{{how}}" },
        { expr: queries.sessionEnds(BOARD), legend: "ended: {{reason}}" },
        { expr: queries.sessionMessages(BOARD), legend: "messages a second: {{direction}}" },
      ],
    },
    {
      id: 64,
      title: "Record lag",
      description: "Age of the oldest change that waits for the database.",
      unit: "s",
      view: "lines",
      targets: [{ expr: queries.recordLag(BOARD), legend: "{{stream}}" }],
      expected: EXPECTED.recordLag,
      alerts: ["RecordLagHigh"],
    },
    {
      id: 65,
      title: "Changes recorded and lost",
      description:
        "Changes of tasks written into the record a second; lost ones were dropped, the buffer being full.",
      unit: "short",
      view: "lines",
      targets: [
        { expr: queries.recordRows(BOARD), legend: "written a second ({{stream}})" },
        { expr: queries.recordLost(BOARD), legend: "lost ({{stream}})" },
      ],
      alerts: ["RecordGap"],
    },
    {
      id: 66,
      title: "Redis memory",
      description: "Used, and the limit at which new tasks are refused.",
      unit: "decbytes",
      view: "lines",
      targets: [
        { expr: queries.redisMemory(), legend: "used" },
        { expr: queries.redisMemoryLimit(), legend: "limit" },
      ],
      alerts: ["RedisMemoryHigh"],
    },
    {
      id: 67,
      title: "Share of Redis' memory",
      description: "Used, of the limit.",
      unit: "percentunit",
      view: "lines",
      targets: [{ expr: queries.redisMemoryShare(), legend: "used" }],
      expected: EXPECTED.redisMemory,
      alerts: ["RedisMemoryHigh"],
    },
    {
      id: 68,
      title: "Memory by key",
      description:
        "Of each of the queues' keys, and of the events that wait for the record; results are not among them.",
      unit: "decbytes",
      view: "lines",
      targets: [
        { expr: queries.keyMemory(), legend: "{{key}}" },
        { expr: queries.recordPending(BOARD), legend: "events ({{stream}})" },
      ],
      expected: EXPECTED.keyMemory,
      alerts: ["RedisKeyMemoryHigh"],
    },
    {
      id: 69,
      title: "Age of the newest backup",
      description: "Since it was begun. Without any backup: since 1970.",
      unit: "dtdurations",
      view: "number",
      targets: [{ expr: queries.backupAge(), legend: "age" }],
      expected: EXPECTED.backupAge,
      alerts: ["BackupTooOld"],
    },
    {
      id: 70,
      title: "Backups",
      description: "Made and failed.",
      unit: "short",
      view: "bars",
      targets: [{ expr: queries.backups(BOARD), legend: "{{outcome}}" }],
      alerts: ["BackupTooOld"],
    },
    {
      id: 71,
      title: "What Prometheus reaches",
      description: "1 for a process that answers, 0 for one that does not.",
      unit: "short",
      view: "lines",
      targets: [{ expr: queries.targets(), legend: "{{job}} {{instance}}" }],
      alerts: ["ScrapeTargetDown"],
    },
    {
      id: 72,
      title: "Lost traces and history",
      description:
        "Spans that no receiver took, and lines of the history of executions that could not be written.",
      unit: "short",
      view: "bars",
      targets: [
        { expr: queries.spansDropped(BOARD), legend: "spans" },
        { expr: queries.historyLost(BOARD), legend: "lines of history" },
      ],
    },
  ],
};
