/** The framework alone: the route of a push, whose handler does nothing. Prints its address. */
import fastify from "fastify";

const app = fastify();
app.post("/api/tasks", async (_request, reply) => {
  reply.status(202);
  return { id: "none", state: "waiting" };
});
process.stdout.write(`${await app.listen({ host: "127.0.0.1", port: 0 })}\n`);
