import { Type } from "typebox";
import type { ApiParts } from "../parts.ts";
import { readiness } from "../readiness.ts";
import type { Server } from "../server.ts";

const Only = Type.Object({
  only: Type.Optional(Type.Unsafe<"redis" | "database">({ type: "string", enum: ["redis", "database"] })),
});
const Alive = Type.Object({ status: Type.String() }, { description: "It is." });
const NotReady = Type.Object(
  { status: Type.Literal("not ready"), errors: Type.Array(Type.String(), { minItems: 1 }) },
  { description: "It is not, and why." },
);

/** `/health`, `/health/live`, `/health/ready`: for probes, without a key. */
export function addHealthRoutes(app: Server, parts: ApiParts): void {
  const schema = { tags: ["health"], response: { 200: Alive } };
  const states = { 200: Alive, 503: NotReady };
  app.get("/health", { schema: { ...schema, summary: "Whether it runs" } }, () => ({ status: "ok" }));
  app.get("/health/live", { schema: { ...schema, summary: "Whether it is alive" } }, () => ({
    status: "alive",
  }));
  app.get<{ Querystring: { only?: "redis" | "database" } }>(
    "/health/ready",
    {
      schema: {
        ...{ ...schema, querystring: Only, response: states },
        summary: "Whether Redis and the database answer",
      },
    },
    async ({ query: { only } }, reply) => {
      const errors = await readiness(parts, only);
      if (errors.length === 0) return { status: "ready" };
      return reply.status(503).send({ status: "not ready", errors });
    },
  );
}
