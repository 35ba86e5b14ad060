import { deepEqual, equal, rejects } from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockImages } from "../../../components/cli/images-lock.ts";
import { dockerCredentials } from "../../../components/platform/docker-credentials.ts";
import { readLock, writeLock } from "../../../components/platform/image-lock.ts";
import { findImage } from "../../../components/platform/registry.ts";
import { quietPort } from "../../support/quiet-port.ts";
import { registryProblem, TestRegistry } from "../../support/registry.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const NOBODY = () => "";
const hashOf = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

/** An image of several platforms, whose parts this registry does not have. */
function index(platforms: readonly string[]): string {
  const manifests = platforms.map((platform) => {
    const [os, architecture, variant] = platform.split("/");
    return {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: hashOf(platform),
      size: 7,
      platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
    };
  });
  return JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }, undefined, 3);
}

/** A registry's front that does what a real one on the loopback cannot be made to do. */
async function serve(listener: RequestListener): Promise<{ host: string; server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe("asking a registry for a digest", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function front(listener: RequestListener): Promise<string> {
    const { host, server } = await serve(listener);
    servers.push(server);
    return host;
  }

  it("gets a token where the registry wants one, with what docker login kept", async () => {
    const manifest = index(["linux/amd64"]);
    const asked: string[] = [];
    const host = await front((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization ?? "-"}`);
      if (request.url?.startsWith("/token")) {
        response.end(JSON.stringify({ token: "of-the-test" }));
      } else if (request.headers.authorization !== "Bearer of-the-test") {
        const realm = `Bearer realm="http://${host}/token",service="the registry",scope="repository:a/b:pull"`;
        response.writeHead(401, { "www-authenticate": realm }).end();
      } else response.end(manifest);
    });
    const found = await findImage(`${host}/a/b:1`, (registry) => (registry === host ? "dTpw" : ""));
    deepEqual(found, { digest: hashOf(manifest), platforms: ["linux/amd64"] });
    deepEqual(asked, [
      "/v2/a/b/manifests/1 -",
      "/token?service=the+registry&scope=repository%3Aa%2Fb%3Apull Basic dTpw",
      "/v2/a/b/manifests/1 Bearer of-the-test",
    ]);
  });

  for (const [status, message] of [
    [401, /does not show a\/b to this user: docker login 127\.0\.0\.1:\d+, or correct the name$/],
    [403, /does not show a\/b to this user/],
    [404, /has no a\/b:1: correct the tag in components\/platform\/images\.ts/],
    [429, /too many requests\): docker login 127\.0\.0\.1:\d+ raises the limit, or try again later$/],
    [503, /answered 503: try again later$/],
  ] as const)
    it(`says in one line what an answer of ${status} means`, async () => {
      const host = await front((_, response) => response.writeHead(status).end());
      await rejects(findImage(`${host}/a/b:1`, NOBODY), { name: "HostError", message });
    });

  it("says that a registry does not answer", async () => {
    const host = `127.0.0.1:${await quietPort()}`;
    await rejects(findImage(`${host}/a:1`, NOBODY), {
      message: `${host}/a:1: ${host} does not answer (ECONNREFUSED): check the network, or behind a proxy set HTTPS_PROXY and NODE_USE_ENV_PROXY=1`,
    });
  });

  it("believes no digest that the manifest does not have", async () => {
    const manifest = index([]);
    const host = await front((_, response) =>
      response.writeHead(200, { "docker-content-digest": hashOf("another") }).end(manifest),
    );
    await rejects(findImage(`${host}/a:1`, NOBODY), /something between changes it$/);
  });

  it("reads what docker login kept", () => {
    const folder = mkdtempSync(join(tmpdir(), "taskfleet-docker-config-"));
    try {
      equal(dockerCredentials({ DOCKER_CONFIG: folder })("docker.io"), "");
      const auths = { "https://index.docker.io/v1/": { auth: "aHVi" }, "registry.example": { auth: "b3du" } };
      writeFileSync(join(folder, "config.json"), JSON.stringify({ auths }));
      const known = dockerCredentials({ DOCKER_CONFIG: folder });
      deepEqual(["docker.io", "registry.example", "other.example"].map(known), ["aHVi", "b3du", ""]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("taskfleet images lock", function () {
  this.timeout(120_000);
  const problem = registryProblem();
  if (problem !== undefined) {
    it(`writes what a registry says (not tested here: ${problem})`, function () {
      this.skip();
    });
    return;
  }
  let registry: TestRegistry;
  let folder: string;
  let file: string;
  let printed: string;

  before(async () => {
    registry = await TestRegistry.start();
  });
  after(() => registry.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-lock-"));
    file = join(folder, "images.lock.json");
    printed = "";
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const output = { write: (text: string) => (printed += text) };
  const lock = (...references: readonly string[]) =>
    lockImages({ references, find: (one) => findImage(one, NOBODY), file, output, now: () => 0 });

  it("writes the digest of the index of all platforms, and keeps what it was not asked for", async () => {
    // Without parts: a registry takes no index whose manifests it does not have.
    const manifest = index([]);
    await registry.put("team/redis", "7", INDEX, manifest);
    const reference = `${registry.host}/team/redis:7`;
    writeLock(file, { "other:1": hashOf("other") });
    await lock(reference);
    deepEqual(readLock(file), { [reference]: hashOf(manifest), "other:1": hashOf("other") });
    equal(
      printed,
      `taskfleet: ${reference} ...\ntaskfleet: ${reference}: ${hashOf(manifest)}, new, one platform (0 s)\n`,
    );
    printed = "";
    await lock(reference);
    equal(printed.includes(`${hashOf(manifest)}, as it was, one platform`), true);
  });

  it("names every image that is not found, with exit code 3, and writes nothing", async () => {
    await registry.put("team/there", "1", INDEX, index([]));
    const names = ["none:1", "there:1", "none:2"].map((name) => `${registry.host}/team/${name}`);
    await rejects(lock(...names), (error: Error & { exitCode: number }) => {
      const lines = error.message.split("\n");
      equal(lines.length, 3);
      equal(lines[0]?.startsWith(`${names[0]}: ${registry.host} has no team/none:1: correct the tag`), true);
      equal(lines[1]?.startsWith(`${names[2]}: `), true);
      equal(lines[2], `${file} is left as it was: 2 of 3 images were not found`);
      equal(error.exitCode, 3);
      return true;
    });
    equal(existsSync(file), false);
  });
});
