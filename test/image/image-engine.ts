/** One engine and one build of the project's images for all files of the suite. */
import { DockerEngine, engineProblem } from "../support/docker-engine.ts";
import { basesProblem } from "../support/standins/bases.ts";
import { serversProblem } from "../support/standins/servers.ts";
import { buildImages, standinBases } from "../support/standins/taskfleet.ts";

const running = process.env.TASKFLEET_TEST_ENGINE ?? "";
/** It needs no networks: builds take this machine's. */
const OPTIONS = { running, networks: running !== "" };

export const imageProblem = engineProblem(OPTIONS) ?? basesProblem() ?? serversProblem();

export interface ImageWorld {
  readonly engine: DockerEngine;
  /** Build arguments. */
  readonly bases: Readonly<Record<string, string>>;
  /** References by target. */
  readonly images: Readonly<Record<string, string>>;
}

let world: Promise<ImageWorld> | undefined;

async function start(): Promise<ImageWorld> {
  const engine = new DockerEngine(OPTIONS);
  await engine.start();
  return { engine, bases: standinBases(engine), images: buildImages(engine) };
}

/** Starts the engine and builds the images at the first call. */
export function imageWorld(): Promise<ImageWorld> {
  world ??= start();
  return world;
}

after(async () => {
  await (await world)?.engine.stop();
});
