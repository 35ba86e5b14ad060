import { deepEqual, equal, throws } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATHS } from "../../../components/paths.ts";
import { lockText, readLock, writeLock } from "../../../components/platform/image-lock.ts";
import { parseReference } from "../../../components/platform/image-reference.ts";
import {
  BASE_NAMES,
  IMAGE_NAMES,
  IMAGES,
  TARGET_NAMES,
  TARGETS,
} from "../../../components/platform/images.ts";
import { baseArguments, checkOverrides, resolveImages } from "../../../components/platform/resolve-images.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const OTHER = `sha256:${"f".repeat(64)}`;

describe("an image reference", () => {
  for (const [text, registry, repository, tag, digest] of [
    ["redis", "docker.io", "library/redis", "", ""],
    ["redis:7.2-bookworm", "docker.io", "library/redis", "7.2-bookworm", ""],
    ["prom/prometheus:v3", "docker.io", "prom/prometheus", "v3", ""],
    ["gcr.io/distroless/nodejs24:nonroot", "gcr.io", "distroless/nodejs24", "nonroot", ""],
    ["127.0.0.1:5000/a/b", "127.0.0.1:5000", "a/b", "", ""],
    ["localhost/a:1", "localhost", "a", "1", ""],
    [`host:5000/a@${DIGEST}`, "host:5000", "a", "", DIGEST],
    [`redis:7@${DIGEST}`, "docker.io", "library/redis", "7", DIGEST],
  ] as const)
    it(`is taken apart: ${text}`, () => {
      deepEqual(parseReference(text), { registry, repository, tag, digest });
    });

  for (const text of [
    "",
    "Redis",
    "redis:",
    "redis@sha256:12",
    `redis@${DIGEST}@${DIGEST}`,
    "a b",
    "redis:-x",
  ])
    it(`is refused: ${JSON.stringify(text)}`, () => {
      equal(parseReference(text), undefined);
    });
});

describe("the list of images", () => {
  it("has a tag for each, and no digest", () => {
    for (const name of IMAGE_NAMES) {
      const { tag, digest } = parseReference(IMAGES[name].reference) ?? {};
      deepEqual([name, tag === "" || tag === "latest", digest], [name, false, ""]);
    }
  });

  it("is what the Dockerfile builds on by default", () => {
    const dockerfile = readFileSync(join(PATHS.root, "worker/Dockerfile"), "utf8");
    const bases = [...dockerfile.matchAll(/^ARG (\w*BASE)=(\S+)$/gm)].map(([, name, base]) => [name, base]);
    const listed = BASE_NAMES.map((name) => [IMAGES[name].argument, IMAGES[name].reference]);
    deepEqual(Object.fromEntries(bases), Object.fromEntries(listed));
  });

  it("knows the targets of the Dockerfile, and all their bases", () => {
    const dockerfile = readFileSync(join(PATHS.root, "worker/Dockerfile"), "utf8");
    const stages = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, name = ""]) => name);
    deepEqual(
      TARGET_NAMES.filter((name) => !stages.includes(name)),
      [],
    );
    const used = new Set<string>(Object.values(TARGETS).flat());
    deepEqual(
      BASE_NAMES.filter((name) => !used.has(name)),
      [],
    );
  });
});

describe("resolving images", () => {
  const lock = { [IMAGES.redis.reference]: DIGEST, [IMAGES.dockerCli.reference]: OTHER };

  it("pins the listed tag by its locked digest", () => {
    deepEqual(resolveImages(["redis"], { overrides: {}, lock }), { redis: `redis:7.2-bookworm@${DIGEST}` });
  });

  it("takes an override as it is given, locked or not", () => {
    const overrides = { redis: "mirror.example/redis:mine", postgres: `postgres@${OTHER}` };
    deepEqual(resolveImages(["redis", "postgres"], { overrides, lock }), overrides);
  });

  it("refuses those of which no digest is known, all in one line", () => {
    throws(() => resolveImages(["redis", "postgres", "loki"], { overrides: {}, lock }), {
      name: "HostError",
      message:
        `no digest is locked of postgres (${IMAGES.postgres.reference}), loki (${IMAGES.loki.reference}): ` +
        "run taskfleet images lock where the registries can be reached, or name images of your own in config " +
        "taskfleet:images (docs/air-gapped.md)",
    });
  });

  it("does not take a digest that was locked for another tag", () => {
    throws(
      () => resolveImages(["redis"], { overrides: {}, lock: { "redis:7.0": DIGEST } }),
      /no digest is locked/,
    );
  });

  it("gives a target its build arguments alone", () => {
    const bases = { workerBase: "a/node", buildBase: "a/build", goBase: "a/go", toolboxBase: "a/box" };
    deepEqual(baseArguments("watch-queue", { overrides: bases, lock }), {
      BASE: "a/node",
      BUILD_BASE: "a/build",
      GO_BASE: "a/go",
      TOOLBOX_BASE: "a/box",
      DOCKER_CLI_BASE: `docker:28-cli@${OTHER}`,
    });
  });
});

describe("config taskfleet:images", () => {
  it("passes references by name", () => {
    deepEqual(checkOverrides({ redis: "standin/redis" }), { redis: "standin/redis" });
  });

  for (const [given, message] of [
    [["redis"], 'taskfleet:images: got ["redis"]; allowed: an object, from name to reference'],
    [
      { grafanna: "a" },
      `taskfleet:images.grafanna: there is no such image (did you mean grafana?); allowed: ${IMAGE_NAMES.join(", ")}`,
    ],
    [
      { redis: "Not A Reference", loki: 7 },
      'taskfleet:images.redis: got "Not A Reference"; allowed: a reference such as registry.example/redis:7.2 or redis@sha256:<64 hex digits>\n' +
        "taskfleet:images.loki: got 7; allowed: a reference such as registry.example/redis:7.2 or redis@sha256:<64 hex digits>",
    ],
  ] as const)
    it(`refuses ${JSON.stringify(given)}`, () => {
      throws(() => checkOverrides(given), { name: "HostError", message });
    });
});

describe("the lock file", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-lock-"));
    file = join(folder, "images.lock.json");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("holds what was written, in one order whatever the order it came in", () => {
    writeLock(file, { "b:1": OTHER, "a:1": DIGEST });
    deepEqual(readLock(file), { "a:1": DIGEST, "b:1": OTHER });
    equal(readFileSync(file, "utf8"), lockText({ "a:1": DIGEST, "b:1": OTHER }));
  });

  it("is empty where there is none", () => deepEqual(readLock(file), {}));

  for (const [text, problem] of [
    ["{", /is no JSON: restore it, or run taskfleet images lock/],
    ["[]", /has no "digests"/],
    ['{"digests": {"a:1": "sha256:12"}}', /a:1 has "sha256:12"; allowed: sha256: and 64 hex digits/],
  ] as const)
    it(`is refused: ${text}`, () => {
      writeFileSync(file, text);
      throws(() => readLock(file), problem);
    });

  it("says where it cannot be written", () => {
    throws(
      () => writeLock(join(folder, "none", "lock"), {}),
      /cannot write .*there is no such file or folder/,
    );
  });
});
