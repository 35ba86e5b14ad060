import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { text } from "node:stream/consumers";
import { waitFor } from "../support/wait.ts";
import { type Certificate, selfSigned } from "./certificate.ts";
import { failure, names, refusal, Service, send } from "./support.ts";

describe("http", () => {
  const services: Service[] = [];
  /** A plain service that is allowed by its address. */
  async function serve(listener: RequestListener, tls?: Certificate) {
    const service = await new Service(listener, tls).start();
    services.push(service);
    return { service, allow: [`127.0.0.1:${service.port}`, `service.example:${service.port}`] };
  }
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.stop()));
  });

  it("sends what the task says and returns the whole response", async () => {
    const { service, allow } = await serve((request, response) => {
      void text(request).then((body) => {
        response.writeHead(201, { "x-kind": "b", "set-cookie": ["a=1", "b=2"], date: "now" });
        response.end(`${request.method} ${request.url} ${body}`);
      });
    });
    const url = service.url("/p?q=1");
    const headers = { "X-Given": "1", "User-Agent": "mine" };
    const output = await send({ url, method: "PUT", headers, body: "ünten" }, { allow });
    assert.deepEqual(output, {
      status: 201,
      headers: {
        "x-kind": "b",
        "set-cookie": ["a=1", "b=2"],
        date: "now",
        connection: "close",
        "transfer-encoding": "chunked",
      },
      body: "PUT /p?q=1 ünten",
      bodyEncoding: "utf8",
      truncated: false,
      url,
      redirects: 0,
    });
    assert.deepEqual(service.requests[0]?.headers, {
      host: `127.0.0.1:${service.port}`,
      connection: "close",
      "user-agent": "mine",
      "accept-encoding": "gzip, deflate, br, zstd",
      "x-given": "1",
      "content-length": "6",
    });
  });

  it("sends JSON and bytes, and keeps bytes that are no text", async () => {
    const { service, allow } = await serve((request, response) => {
      response.setHeader("x-type", String(request.headers["content-type"]));
      request.pipe(response);
    });
    const post = { url: service.url(), method: "POST" } as const;
    const json = await send({ ...post, json: { a: [1, null] } }, { allow });
    assert.deepEqual([json.body, json.headers["x-type"]], ['{"a":[1,null]}', "application/json"]);
    const nothing = await send(
      { ...post, json: null, headers: { "Content-Type": "application/x" } },
      { allow },
    );
    assert.deepEqual([nothing.body, nothing.headers["x-type"]], ["null", "application/x"]);
    const bytes = await send({ ...post, bodyBase64: "/wD+" }, { allow });
    assert.deepEqual([bytes.body, bytes.bodyEncoding], ["/wD+", "base64"]);
  });

  it("trusts a service by its certificate and name alone", async () => {
    const tls = selfSigned("service.example");
    const { service, allow } = await serve((_request, response) => response.end("safe"), tls);
    const { lookup } = names({ "service.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]] });
    const trusting = { lookup, ca: [tls.cert] };
    const output = await send({ url: service.url("/", "service.example") }, { ...trusting, allow });
    assert.deepEqual([output.status, output.body], [200, "safe"]);
    const unknown = await failure({ url: service.url("/", "service.example") }, { lookup, allow });
    assert.match(unknown.message, /self-signed certificate/);
    const other = { ...trusting, allow: [`other.example:${service.port}`] };
    assert.match(
      (await failure({ url: service.url("/", "other.example") }, other)).message,
      /not match certificate/,
    );
    assert.equal(service.requests.length, 1);
  });

  it("connects to no address that is not public, whatever its name", async () => {
    const { service } = await serve((_request, response) => response.end(), selfSigned("service.example"));
    const { lookup } = names({
      "service.example": [["127.0.0.1", "::1"]],
      "metadata.example": [["169.254.169.254"]],
    });
    const inside = await refusal({ url: service.url("/", "service.example") }, { lookup });
    assert.deepEqual(
      [inside.reason, inside.message],
      [
        "denied",
        "http: service.example has no public address, but 127.0.0.1 (loopback), ::1 (loopback); " +
          "only hosts that the fleet's http.allow (TASKFLEET_HTTP_ALLOW) names may be called so",
      ],
    );
    const metadata = await refusal({ url: "https://metadata.example/" }, { lookup });
    assert.match(metadata.message, /169\.254\.169\.254 \(linkLocal\)/);
    const localhost = await refusal({ url: service.url("/", "localhost") });
    assert.deepEqual([localhost.reason, service.connections], ["denied", 0]);
  });

  it("keeps a status other than 2xx as an error with its response, unless it is asked for", async () => {
    const { service, allow } = await serve((request, response) => {
      response.writeHead(Number(request.url?.slice(1, 4))).end("why");
    });
    for (const status of [304, 400, 404, 500, 501]) {
      const { reason, message, output } = await refusal(
        { url: `${service.url(`/${status}`)}?key=1` },
        { allow },
      ).catch((error: unknown) => assert.fail(`${status}: ${error}`));
      assert.deepEqual(
        [reason, message, output.status, output.body],
        [
          "handler",
          `http: GET ${service.url(`/${status}`)} was answered with status ${status}`,
          status,
          status === 304 ? "" : "why",
        ],
      );
    }
    const found = await send({ url: service.url("/404"), okStatuses: [404, 503] }, { allow });
    assert.deepEqual([found.status, found.body], [404, "why"]);
    assert.equal((await send({ url: service.url("/503"), okStatuses: [404, 503] }, { allow })).status, 503);
  });

  it("has the task run again when the service is down or behind, not before it asks for", async () => {
    const { service, allow } = await serve((request, response) => {
      const [, status, after] = (request.url ?? "").split("/");
      response.writeHead(Number(status), after ? { "retry-after": after } : {}).end();
    });
    for (const status of [429, 502, 503, 504]) {
      const asked = await failure({ url: service.url(`/${status}/7`) }, { allow });
      assert.deepEqual(
        [asked.reason, asked.retryAfterMs, asked.message],
        ["handler", 7_000, `http: GET ${service.url(`/${status}/7`)} was answered with status ${status}`],
      );
      assert.equal((await failure({ url: service.url(`/${status}`) }, { allow })).retryAfterMs, 0);
    }
  });

  it("has the task run again when there is no whole response", async () => {
    const { service, allow } = await serve((request, response) => {
      if (request.url === "/reset") request.socket.destroy();
      else if (request.url === "/half")
        response.writeHead(200, { "content-length": "9" }).write("half", () => request.socket.destroy());
      else
        response.socket?.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    });
    for (const path of ["/reset", "/half", "/switch"]) {
      const { reason, message } = await failure({ url: service.url(path) }, { allow });
      assert.equal(reason, undefined, message);
    }
    await service.stop();
    services.splice(0);
    assert.match((await failure({ url: `http://${allow[0]}/` }, { allow })).message, /ECONNREFUSED/);
    const { lookup } = names({});
    assert.match(
      (await failure({ url: "https://gone.example/" }, { lookup })).message,
      /ENOTFOUND gone.example/,
    );
  });

  it("gives up at its time limit, before the response and within it", async () => {
    const { service, allow } = await serve((request, response) => {
      if (request.url === "/body") response.write("begun");
    });
    for (const path of ["/headers", "/body"]) {
      const { reason, message } = await failure({ url: service.url(path), timeoutMs: 200 }, { allow });
      assert.deepEqual(
        [reason, message],
        ["timeout", `http: no whole response of 127.0.0.1:${service.port} within 200 ms`],
      );
    }
    await waitFor("the connections' end", () => service.connections === 0);
  });

  it("closes its connection when the task is cancelled in the middle of the body", async () => {
    const { service, allow } = await serve((_request, response) => {
      response.write("begun");
    });
    const controller = new AbortController();
    const running = failure({ url: service.url() }, { allow }, controller.signal);
    await waitFor("the request", () => service.requests.length === 1 && service.connections === 1);
    controller.abort("cancelled");
    await running;
    await waitFor("the connection's end", () => service.connections === 0);
  });

  it("refuses what it cannot send", async () => {
    const url = "https://service.example/";
    const of = async (task: Parameters<typeof send>[0]) => {
      const { reason, message } = await refusal(task);
      assert.equal(reason, "payload");
      return message;
    };
    assert.match(await of({ url: "service.example" }), /^http: url is no absolute URL; expected https:/);
    assert.match(await of({ url: "https://[fe80::1%25eth0]/" }), /no absolute URL/);
    assert.match(await of({ url, method: "POST", body: "", json: 1 }), /give one of them/);
    assert.match(await of({ url, body: "x" }), /a GET has no body/);
    for (const name of ["Host", "content-length", "Transfer-Encoding", "Connection", "Proxy-Authorization"])
      assert.match(await of({ url, headers: { [name]: "x" } }), /is set by the handler itself; leave it out/);
    assert.match(await of({ url, headers: { "a b": "x" } }), /"a b" is no header/);
    assert.match(await of({ url, headers: { a: "x\r\nhost: y" } }), /"a" is no header/);
  });
});
