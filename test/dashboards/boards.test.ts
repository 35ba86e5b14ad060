import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { board } from "../../dashboards/board.ts";
import { costBoard } from "../../dashboards/boards/cost.ts";
import { mainBoard } from "../../dashboards/boards/main.ts";
import { RUNBOOK_PANELS } from "../../dashboards/boards/runbook-panels.ts";
import { generatedBoards } from "../../dashboards/generate.ts";

const FOLDER = new URL("../../dashboards/", import.meta.url);
const BOARDS = [mainBoard, costBoard];

interface BuiltPanel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly links?: readonly { readonly url: string }[];
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly datasource: object;
  }[];
  readonly fieldConfig?: {
    readonly defaults: {
      readonly thresholds?: object;
      readonly custom?: { readonly thresholdsStyle?: object };
    };
  };
}

interface BuiltBoard {
  readonly uid: string;
  readonly panels: readonly BuiltPanel[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
}

const built = (spec: typeof mainBoard) => JSON.parse(JSON.stringify(board(spec))) as BuiltBoard;
const panelsOf = (spec: typeof mainBoard) => spec.rows.flatMap(({ panels }) => panels);

describe("the committed boards", () => {
  for (const { file, content } of generatedBoards())
    it(`${file} is what npm run dashboards writes`, () =>
      assert.equal(readFileSync(new URL(file, FOLDER), "utf8"), content));
});

describe("boards", () => {
  it("have the addresses that links and bookmarks know", () =>
    assert.deepEqual(
      generatedBoards().map(({ content }) => (JSON.parse(content) as BuiltBoard).uid),
      ["taskfleet-main", "taskfleet-cost", "taskfleet-runbooks"],
    ));

  it("give no panel's id twice, rows included", () => {
    for (const { content } of generatedBoards()) {
      const ids = (JSON.parse(content) as BuiltBoard).panels.map(({ id }) => id);
      assert.deepEqual(ids.length, new Set(ids).size);
    }
  });

  it("keep the ids of their panels", () => {
    const ids = BOARDS.map((spec) => panelsOf(spec).map(({ id, title }) => `${id} ${title}`));
    assert.deepEqual(ids[0]?.slice(0, 6), [
      "1 Waiting tasks by kind",
      "2 Running tasks by kind",
      "3 Longest wait",
      "4 Backlog",
      "5 Backlog growth and drain",
      "6 Time to drain",
    ]);
    assert.deepEqual(ids[1]?.slice(0, 3), ["1 Worker time", "2 Idle worker time", "3 Run time by kind"]);
  });

  it("let the reader choose data source, stream and kind", () => {
    for (const spec of BOARDS)
      assert.deepEqual(
        built(spec).templating.list.map(({ name }) => name),
        ["datasource", "stream", "kind"],
      );
  });

  it("say of every panel what it shows, ask the chosen data source, and name each query once", () => {
    for (const spec of BOARDS) {
      const panels = built(spec).panels.filter(({ type }) => type !== "row");
      assert.equal(panels.length, panelsOf(spec).length);
      for (const panel of panels) {
        assert.ok(panelsOf(spec).find(({ id }) => id === panel.id)?.description, panel.title);
        const targets = panel.targets ?? [];
        assert.ok(targets.length > 0, panel.title);
        assert.deepEqual(
          targets.map(({ refId }) => refId),
          [..."ABCDEFGH"].slice(0, targets.length),
        );
        for (const { datasource } of targets)
          assert.deepEqual(datasource, { type: "prometheus", uid: "$datasource" });
      }
    }
  });

  it("draw what is expected as a green band, and nothing beyond it", () => {
    const [waiting, leaders] = [1, 25].map((id) => built(mainBoard).panels.find((one) => one.id === id));
    const green = (value: number | null) => ({ value, color: "green" });
    const none = (value: number | null) => ({ value, color: "transparent" });
    assert.deepEqual(waiting?.fieldConfig?.defaults.thresholds, {
      mode: "absolute",
      steps: [green(null), none(20)],
    });
    assert.deepEqual(leaders?.fieldConfig?.defaults.thresholds, {
      mode: "absolute",
      steps: [none(null), green(1), none(2)],
    });
    assert.deepEqual(waiting?.fieldConfig?.defaults.custom?.thresholdsStyle, {
      mode: "area",
    });
  });

  it("link every alert's page from a panel", () => {
    const linked = new Set(
      BOARDS.flatMap((spec) =>
        built(spec).panels.flatMap(({ links }) => (links ?? []).map(({ url }) => url)),
      ),
    );
    const pages = Object.values(RUNBOOK_PANELS).map((id) => `/d/taskfleet-runbooks/runbooks?viewPanel=${id}`);
    assert.deepEqual([...linked].sort(), pages.sort());
  });
});
