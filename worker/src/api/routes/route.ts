import type { TSchema } from "typebox";
import type { ApiVerb } from "../../../contract/api.ts";
import { answers } from "../schemas.ts";

interface RouteOf {
  readonly tag: string;
  readonly summary: string;
  readonly query: TSchema;
  readonly params?: TSchema;
  readonly body?: TSchema;
  /** Its good answers by status. */
  readonly ends: Readonly<Record<number, TSchema>>;
  /** Calls are counted. */
  readonly limited?: boolean;
}

/** Fastify's options of a route that a key with this verb may call. */
export function keyed(verb: ApiVerb, { tag, summary, query, params, body, ends, limited = false }: RouteOf) {
  return {
    config: { verb, limited },
    schema: {
      ...{ summary, tags: [tag], description: `Needs the verb \`${verb}\`.`, security: [{ key: [] }] },
      querystring: query,
      ...(params === undefined ? {} : { params }),
      ...(body === undefined ? {} : { body }),
      response: answers(ends),
    },
  };
}
