/** The generated boards, as `npm run dashboards` wrote them. */

export interface BoardFile {
  readonly file: string;
  readonly content: string;
}

export const boards: readonly BoardFile[] = [];
