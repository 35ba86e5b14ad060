/** What a route may answer, for the OpenAPI document: its own good answers, and problems by status. Pure. */
import { type TSchema, Type } from "typebox";
import { PROBLEM_TYPE, PROBLEMS, type ProblemSlug, problemUrn } from "../../contract/api.ts";

const FieldErrors = Type.Array(Type.Object({ field: Type.String(), message: Type.String() }));
const Problem = Type.Object(
  {
    ...{ type: Type.String(), title: Type.String(), status: Type.Integer(), detail: Type.String() },
    instance: Type.String({ description: "The request's id." }),
    errors: Type.Optional(FieldErrors),
  },
  { additionalProperties: true },
);

const SECONDS = { type: "integer", minimum: 1, description: "Seconds." } as const;
/** Statuses whose answers say when to come back. */
const LATER: readonly number[] = [429, 503];

/** Any route under /api may answer with these. */
const COMMON = [
  ...(["invalid-request", "unauthorized", "forbidden", "not-found"] as const),
  ...(["internal", "redis-unavailable"] as const),
] as const satisfies readonly ProblemSlug[];
const OF_BODY = ["payload-too-large", "unsupported-media-type"] as const satisfies readonly ProblemSlug[];

export interface MayFail {
  readonly hasBody: boolean;
  /** Beside those of every route. */
  readonly fails: readonly ProblemSlug[];
}

function problemAnswer(status: number, slugs: readonly ProblemSlug[]) {
  const lines = slugs.map((slug) => `\`${problemUrn(slug)}\`: ${PROBLEMS[slug].title}.`);
  return {
    description: lines.join(" "),
    ...(LATER.includes(status) ? { headers: { "retry-after": SECONDS } } : {}),
    content: { [PROBLEM_TYPE]: { schema: Problem } },
  };
}

/** Responses of a route by status, for its schema. */
export function answers(own: Readonly<Record<number, TSchema>>, { hasBody, fails }: MayFail) {
  const slugs = [...COMMON, ...(hasBody ? OF_BODY : []), ...fails];
  const byStatus = Map.groupBy(slugs, (slug) => PROBLEMS[slug].status);
  const problems = [...byStatus].map(([status, some]) => [status, problemAnswer(status, some)] as const);
  return { ...own, ...Object.fromEntries(problems) };
}
