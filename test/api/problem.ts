import assert from "node:assert/strict";
import { PROBLEMS, type ProblemSlug, problemUrn } from "../../worker/contract/api.ts";
import type { Answer } from "./support.ts";

/** A problem's whole body, but for the request's id. */
export function problem(slug: ProblemSlug, detail: string, more: object = {}) {
  const { status, title } = PROBLEMS[slug];
  return { type: problemUrn(slug), title, status, detail, instance: "", ...more };
}

/** The whole body, and the status. */
export function assertProblem(answer: Answer, slug: ProblemSlug, detail: string, more: object = {}): void {
  assert.deepEqual({ ...answer.body, instance: "" }, problem(slug, detail, more));
  assert.equal(answer.status, PROBLEMS[slug].status);
}
