import { deepEqual, equal, rejects } from "node:assert/strict";
import { type Output, runtime } from "@pulumi/pulumi";
import { PATHS } from "../../../components/paths.ts";
import { contextTag } from "../../../components/platform/build-context.ts";
import { type ImageConfig, imageSettings } from "../../../components/platform/image-settings.ts";
import { projectImages } from "../../../components/platform/project-images.ts";

const BASES = { workerBase: "a/node", buildBase: "a/build", goBase: "a/go", toolboxBase: "a/box" };
const ARGUMENTS = { BASE: "a/node", BUILD_BASE: "a/build", GO_BASE: "a/go", TOOLBOX_BASE: "a/box" };
const PUSHED = `registry.example/team/taskfleet-worker@sha256:${"0".repeat(64)}`;

interface Made {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly provider: string | undefined;
}

function config(values: Readonly<Record<string, unknown>>): ImageConfig {
  return {
    get: (name) => values[name] as string | undefined,
    getObject: (name) => values[name],
  };
}
const known = (output: unknown) => new Promise((resolve) => (output as Output<unknown>).apply(resolve));

describe("the project's images of a stack", () => {
  const made: Made[] = [];
  beforeEach(async () => {
    made.length = 0;
    await runtime.setMocks({
      newResource: ({ type, name, inputs, provider }) => {
        made.push({ type, name, inputs, provider });
        return { id: name, state: { ...inputs, repoDigest: PUSHED } };
      },
      call: () => ({}),
    });
  });
  const images = () => made.filter(({ type }) => type === "docker:index/image:Image");

  it("are built from this checkout with BuildKit, and named by a tag of sources and bases", async () => {
    const settings = imageSettings(config({ images: BASES }), {});
    const { worker } = await projectImages("one", settings, ["worker"]);
    const tag = contextTag(PATHS.root, { ...ARGUMENTS, platform: "" });
    equal(await known(worker), `taskfleet-worker:${tag}`);
    deepEqual(
      images().map(({ name, inputs }) => ({ name, inputs })),
      [
        {
          name: "one-worker",
          inputs: {
            imageName: `taskfleet-worker:${tag}`,
            build: {
              context: PATHS.root,
              dockerfile: `${PATHS.root}/worker/Dockerfile`,
              target: "worker",
              args: { ...ARGUMENTS, REVISION: tag },
              builderVersion: "BuilderBuildKit",
            },
            buildOnPreview: false,
            skipPush: true,
          },
        },
      ],
    );
  });

  it("are pushed where a registry is given, for a platform, by an engine elsewhere, and named by their digest", async () => {
    const values = { images: BASES, registry: "registry.example/team", platform: "linux/arm64" };
    const found = await projectImages("two", imageSettings(config(values), {}), ["worker"], "ssh://me@host");
    equal(await known(found.worker), PUSHED);
    const [image] = images();
    const tag = contextTag(PATHS.root, { ...ARGUMENTS, platform: "linux/arm64" });
    equal(image?.inputs.imageName, `registry.example/team/taskfleet-worker:${tag}`);
    equal(image?.inputs.skipPush, false);
    const build = image?.inputs.build as { platform: string } | undefined;
    equal(build?.platform, "linux/arm64");
    const engine = made.find(({ type }) => type === "pulumi:providers:docker");
    equal(engine?.inputs.host, "ssh://me@host");
    equal(image?.provider?.includes("two-engine"), true);
  });

  it("are not built where the config gives them", async () => {
    const values = { image: "mine/worker:1", watchImage: `sha256:${"1".repeat(64)}` };
    deepEqual(await projectImages("three", imageSettings(config(values), {}), ["worker", "watch-queue"]), {
      worker: "mine/worker:1",
      "watch-queue": `sha256:${"1".repeat(64)}`,
    });
    deepEqual(made, []);
  });

  it("are refused before anything is made where a base has no digest", async () => {
    await rejects(
      projectImages("four", imageSettings(config({}), {}), ["worker"]),
      /^HostError: no digest is locked of workerBase /,
    );
    deepEqual(images(), []);
  });

  for (const [values, message] of [
    [
      { image: "Not One" },
      'taskfleet:image: got "Not One"; allowed: a reference such as registry.example/taskfleet-worker@sha256:<64 hex digits>',
    ],
    [
      { registry: "registry.example/team:1" },
      'taskfleet:registry: got "registry.example/team:1"; allowed: a registry and a path, such as registry.example/team',
    ],
    [
      { platform: "windows/amd64" },
      'taskfleet:platform: got "windows/amd64"; allowed: one of Linux, such as linux/amd64 or linux/arm64',
    ],
  ] as const)
    it(`refuse ${JSON.stringify(values)}`, () =>
      rejects(async () => imageSettings(config(values), {}), { name: "HostError", message }));
});

describe("the tag of a build", () => {
  it("is the same for the same sources and bases, and another for other bases", () => {
    const [one, same] = [1, 2].map(() => contextTag(PATHS.root, { BASE: "a", GO_BASE: "b" }));
    equal(one, same);
    equal(contextTag(PATHS.root, { GO_BASE: "b", BASE: "a" }), one);
    equal(contextTag(PATHS.root, { BASE: "a", GO_BASE: "c" }) === one, false);
  });
});
