import assert from "node:assert/strict";
import { retryAfterMs } from "../../worker/src/handlers/http/judge.ts";
import { type HttpRequest, redirected } from "../../worker/src/handlers/http/redirect.ts";
import { selfSigned } from "./certificate.ts";
import { names, refusal, Service, send } from "./support.ts";

const POST: HttpRequest = {
  method: "POST",
  url: new URL("https://a.example/x/y"),
  headers: { authorization: "t", cookie: "c", "content-type": "text/plain", "x-own": "1" },
  body: Buffer.from("b"),
};

describe("a redirect", () => {
  const follow = (status: number, location: string, request = POST) => redirected(request, status, location);

  it("is one with these statuses and a location", () => {
    for (const status of [200, 201, 300, 304, 305, 306]) assert.equal(follow(status, "/"), undefined);
    for (const status of [301, 302, 303, 307, 308]) {
      assert.equal(follow(status, "z?q")?.url.href, "https://a.example/x/z?q");
      assert.equal(redirected(POST, status, undefined), undefined);
    }
    assert.throws(() => follow(302, "https://"), /a\.example redirects to something that is no URL/);
  });

  it("turns a POST into a GET without body, or keeps both, by its status", () => {
    for (const status of [301, 302, 303]) {
      const { method, body, headers } = follow(status, "/") ?? POST;
      assert.deepEqual(
        [method, body, headers],
        ["GET", null, { authorization: "t", cookie: "c", "x-own": "1" }],
      );
    }
    for (const status of [307, 308])
      assert.deepEqual(follow(status, "/"), { ...POST, url: new URL("https://a.example/") });
    const put = { ...POST, method: "PUT" };
    const head = { ...POST, method: "HEAD", body: null };
    assert.deepEqual(
      [301, 302, 303].map((status) => follow(status, "/", put)?.method),
      ["PUT", "PUT", "GET"],
    );
    assert.deepEqual(
      [301, 302, 303].map((status) => follow(status, "/", head)?.method),
      ["HEAD", "HEAD", "HEAD"],
    );
  });

  it("takes credentials to no other origin, be it a port or scheme away", () => {
    const kept = { "content-type": "text/plain", "x-own": "1" };
    for (const other of [
      "https://b.example/",
      "https://a.example:8443/",
      "http://a.example/",
      "//a.example.evil/",
    ])
      assert.deepEqual(follow(307, other)?.headers, kept, other);
    assert.deepEqual(follow(307, "https://A.example:443/")?.headers, POST.headers);
  });

  it("asks for patience in seconds or as a date", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    assert.equal(retryAfterMs("120", now), 120_000);
    assert.equal(retryAfterMs("Thu, 01 Jan 2026 00:00:30 GMT", now), 30_000);
    for (const nothing of [undefined, "", "soon", "-5", "Wed, 31 Dec 2025 23:59:59 GMT"])
      assert.equal(retryAfterMs(nothing, now), 0, nothing);
  });
});

describe("http and redirects", () => {
  let front: Service;
  let inside: Service;
  let location = "";
  before(async () => {
    front = await new Service((request, response) => {
      if (request.url === "/end") response.end(String(request.headers.authorization));
      else response.writeHead(302, { location }).end("moved");
    }).start();
    inside = await new Service(
      (_request, response) => response.end("secret"),
      selfSigned("in.example"),
    ).start();
  });
  after(() => Promise.all([front.stop(), inside.stop()]));
  const task = (more = {}) => ({ url: front.url(), headers: { authorization: "t" }, ...more });
  const options = (lookup = names({}).lookup) => ({ lookup, allow: [`127.0.0.1:${front.port}`] });

  it("are followed, and the end says where it is", async () => {
    location = "/end";
    const { body, url, redirects } = await send(task(), options());
    assert.deepEqual([body, url, redirects], ["t", front.url("/end"), 1]);
  });

  it("are followed so often and no more", async () => {
    location = "/again";
    const { reason, message } = await refusal(task({ maxRedirects: 2 }), options());
    assert.deepEqual(
      [reason, message],
      ["handler", `http: more than 2 redirects; the last one is to 127.0.0.1:${front.port}`],
    );
    assert.equal(front.requests.filter(({ url }) => url === "/again").length, 2);
    const { output } = await refusal(task({ maxRedirects: 0 }), options());
    assert.deepEqual([output.status, output.headers.location, output.body], [302, "/again", "moved"]);
  });

  it("lead to no place where the first request may not go", async () => {
    const { lookup } = names({ "in.example": [["127.0.0.1"]], "public-first.example": [["10.1.2.3"]] });
    const port = inside.port;
    const places: readonly (readonly [string, RegExp])[] = [
      [`https://127.0.0.1:${port}/`, /127\.0\.0\.1 is no public address \(loopback\)/],
      [`http://127.0.0.1:${port}/`, /without TLS/],
      ["https://169.254.169.254/latest/meta-data/", /169\.254\.169\.254 is no public address \(linkLocal\)/],
      [`https://[::ffff:127.0.0.1]:${port}/`, /::ffff:7f00:1 is no public address \(ipv4Mapped\)/],
      [`https://2130706433:${port}/`, /127\.0\.0\.1 is no public address/],
      [`https://in.example:${port}/`, /in\.example has no public address, but 127\.0\.0\.1 \(loopback\)/],
      ["https://public-first.example/", /10\.1\.2\.3 \(private\)/],
      [`https://me:pw@in.example:${port}/`, /user or password/],
      ["file:///etc/passwd", /the scheme is file/],
    ];
    for (const [place, expected] of places) {
      location = place;
      const { reason, message } = await refusal(task(), options(lookup));
      assert.equal(reason, "denied", place);
      assert.match(message, expected);
    }
    assert.deepEqual([inside.requests.length, inside.connections], [0, 0]);
  });
});
