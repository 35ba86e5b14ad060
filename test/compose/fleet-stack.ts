/** A whole stack `compose` of a project copy, on an engine with the stand-in images. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { type CommandEnd, ProjectCopy } from "../support/project-copy.ts";
import { quietPort } from "../support/quiet-port.ts";
import { basesProblem } from "../support/standins/bases.ts";
import { makeServers, serversProblem } from "../support/standins/servers.ts";
import { buildImages } from "../support/standins/taskfleet.ts";
import type { TestEngine } from "./engine.ts";

/** Why there can be no such stack here; `undefined` when there can. */
export const stackProblem = (): string | undefined => basesProblem() ?? serversProblem();

/** Quick to scale, so that tests need not wait. */
const SCALING = { interval: "1s", idleToZero: "5s", tasksPerWorker: 1, max: 3, warmPool: 0 };

export type StackImages = Readonly<Record<string, string>>;

/** The stand-ins under names of this test's own: others may build them anew meanwhile. */
export function stackImages(
  engine: TestEngine,
  built: StackImages = buildImages(engine.engine),
): StackImages {
  const own = Object.entries({ ...built, ...makeServers(engine.engine) }).map(
    ([name, image]) => [name, image, `stack-${process.pid}-${name.toLowerCase()}:one`] as const,
  );
  for (const [, image, tag] of own) engine.run("tag", image, tag);
  return Object.fromEntries(own.map(([name, , tag]) => [name, tag]));
}

export class FleetStack {
  readonly project = new ProjectCopy();
  readonly directory = join(this.project.state, "compose");
  readonly #engine: TestEngine;
  readonly images: StackImages;
  readonly name = `project-stack-${process.pid}`;

  /** `images`: see `stackImages`. */
  constructor(engine: TestEngine, images: StackImages) {
    this.#engine = engine;
    this.images = images;
  }

  /** Sets the stack's config; `changes` to the spec. */
  async configure(config: Readonly<Record<string, string>> = {}): Promise<void> {
    // It makes the folder of Pulumi's state.
    await this.project.taskfleet("env", "-s", "compose");
    await this.project.pulumi("stack", "init", "compose");
    const [redis, postgres, api, prometheus] = [
      await quietPort(),
      await quietPort(),
      await quietPort(),
      await quietPort(),
    ];
    const { images } = this;
    const values = {
      project: this.name,
      image: images.worker,
      watchImage: images["watch-queue"],
      backupImage: images.backup,
      "images.redis": images.redis,
      "images.postgres": images.postgres,
      "images.redisExporter": images.redisExporter,
      "images.prometheus": images.prometheus,
      "images.alertmanager": images.alertmanager,
      "fleet.redis.port": redis,
      "fleet.database.port": postgres,
      "fleet.api.port": api,
      "fleet.observability.prometheusPort": prometheus,
      "fleet.observability.grafana": false,
      "fleet.observability.logs": false,
      ...Object.fromEntries(Object.entries(SCALING).map(([key, value]) => [`fleet.scaling.${key}`, value])),
      ...config,
    };
    await this.set(values);
  }

  async set(values: Readonly<Record<string, unknown>>): Promise<void> {
    const pairs = Object.entries(values).flatMap(([key, value]) => [
      "--plaintext",
      `taskfleet:${key}=${value}`,
    ]);
    const { code, output } = await this.project.pulumi(
      "config",
      "set-all",
      "-s",
      "compose",
      "--path",
      ...pairs,
    );
    if (code !== 0) throw new Error(output);
  }

  up(...words: readonly string[]): Promise<CommandEnd> {
    return this.project.taskfleet("up", "-s", "compose", ...words);
  }

  /** What `taskfleet env -s compose` exports of the stack. */
  client(): NodeJS.ProcessEnv {
    const files = ["client.env", "database.env", "api.env"].map((file) =>
      readFileSync(join(this.directory, file), "utf8"),
    );
    return { ...parseEnv(files.join("")) };
  }

  async remove(): Promise<void> {
    await this.project.taskfleet("down", "-s", "compose", "--delete-data", "--yes");
    for (const image of Object.values(this.images)) this.#engine.run("rmi", "-f", image);
    this.project.remove();
  }
}
