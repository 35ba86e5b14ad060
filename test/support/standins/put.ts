/**
 * Puts the stand-in images and the project's own onto a running engine:
 * `TASKFLEET_TEST_ENGINE=unix:///var/run/docker.sock node test/support/standins/put.ts`
 */
import { DockerEngine } from "../docker-engine.ts";
import { makeServers, serversProblem } from "./servers.ts";
import { buildImages } from "./taskfleet.ts";

if (!process.env.TASKFLEET_TEST_ENGINE)
  throw new Error("TASKFLEET_TEST_ENGINE names no engine: set it as DOCKER_HOST would be");
const problem = serversProblem();
if (problem !== undefined) throw new Error(problem);

const engine = new DockerEngine({ networks: true });
try {
  await engine.start();
  const images = [...Object.values(makeServers(engine)), ...Object.values(buildImages(engine))];
  process.stdout.write(`${images.join("\n")}\n`);
} finally {
  await engine.stop();
}
