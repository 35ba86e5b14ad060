import type { TSchema } from "typebox";
import type { ApiVerb, ProblemSlug } from "../../../contract/api.ts";
import { answers } from "../answers.ts";

interface RouteOf {
  readonly tag: string;
  readonly summary: string;
  readonly query: TSchema;
  readonly params?: TSchema;
  readonly headers?: TSchema;
  readonly body?: TSchema;
  /** Its good answers by status. */
  readonly ends: Readonly<Record<number, TSchema>>;
  /** Problems that it may answer beside those of every route. */
  readonly fails?: readonly ProblemSlug[];
  /** Calls are counted. */
  readonly limited?: boolean;
}

/** Fastify's options of a route that a key with this verb may call. */
export function keyed(verb: ApiVerb, route: RouteOf) {
  const { tag, summary, query, params, headers, body, ends, fails = [], limited = false } = route;
  const all: readonly ProblemSlug[] = limited ? [...fails, "rate-limited"] : fails;
  return {
    config: { verb, limited },
    schema: {
      ...{ summary, tags: [tag], description: `Needs the verb \`${verb}\`.`, security: [{ key: [] }] },
      querystring: query,
      ...(params === undefined ? {} : { params }),
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
      response: answers(ends, { hasBody: body !== undefined, fails: all }),
    },
  };
}
