/** The generated boards, as `npm run dashboards` wrote them. */
import cost from "../../../dashboards/cost.json" with { type: "json" };
import main from "../../../dashboards/main.json" with { type: "json" };
import runbooks from "../../../dashboards/runbooks.json" with { type: "json" };

export interface BoardFile {
  readonly file: string;
  readonly content: string;
}

const text = (board: object) => `${JSON.stringify(board, null, 2)}\n`;

export const boards: readonly BoardFile[] = [
  { file: "main.json", content: text(main) },
  { file: "cost.json", content: text(cost) },
  { file: "runbooks.json", content: text(runbooks) },
];
