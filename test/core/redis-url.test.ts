import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  describePlace,
  passwordsIn,
  readRedisUrl,
  withoutPassword,
} from "../../worker/contract/redis-url.ts";

/** No word that a message might hold by chance. */
const PASSWORD = createHash("sha1").update("a password").digest("hex");

function problemOf(text: string) {
  const read = readRedisUrl(text);
  assert("problem" in read, `${text} was read`);
  return read.problem;
}

describe("Redis URLs", () => {
  it("of one server", () => {
    assert.deepEqual(readRedisUrl("redis://ada:p%40ss@example.org:7000/2"), {
      place: { kind: "single", node: { host: "example.org", port: 7000 } },
      ...{ tls: false, username: "ada", password: "p@ss", database: 2 },
    });
    assert.deepEqual(readRedisUrl("rediss://[::1]"), {
      place: { kind: "single", node: { host: "::1", port: 6379 } },
      ...{ tls: true, username: "", password: "", database: 0 },
    });
  });

  it("of Sentinels", () => {
    const nodes = [
      { host: "h1", port: 26379 },
      { host: "10.0.0.2", port: 26380 },
    ];
    assert.deepEqual(readRedisUrl(`redis+sentinel://:${PASSWORD}@h1,10.0.0.2:26380/mymaster/3`), {
      place: { kind: "sentinel", nodes, master: "mymaster", login: "none" },
      ...{ tls: false, username: "", password: PASSWORD, database: 3 },
    });
    const place = { kind: "sentinel", nodes: [{ host: "::1", port: 1 }], master: "m" };
    const common = { tls: true, username: "", password: "", database: 0 };
    const url = "rediss+sentinel://[::1]:1/m";
    const login = { username: "u", password: "a/b" };
    assert.deepEqual(readRedisUrl(`${url}?sentinelPassword=a%2Fb&sentinelUsername=u`), {
      ...{ place: { ...place, login }, ...common },
    });
    assert.deepEqual(readRedisUrl(`${url}?sentinelAuth=redis`), {
      ...{ place: { ...place, login: "redis" }, ...common },
    });
  });

  it("of a Cluster", () => {
    const nodes = [
      { host: "h1", port: 6379 },
      { host: "h2", port: 7001 },
    ];
    assert.deepEqual(readRedisUrl("rediss+cluster://ada:x@h1,h2:7001"), {
      place: { kind: "cluster", nodes },
      ...{ tls: true, username: "ada", password: "x", database: 0 },
    });
    assert.deepEqual(readRedisUrl("redis+cluster://h1/0"), {
      place: { kind: "cluster", nodes: [{ host: "h1", port: 6379 }] },
      ...{ tls: false, username: "", password: "", database: 0 },
    });
  });

  it("that are none say what was received, what is allowed and the way out", () => {
    const received = (text: string) => problemOf(text).received;
    assert.equal(received("redis+sentinel://h1"), "0 path parts");
    assert.equal(received("redis+sentinel://h1/m/0/x"), "3 path parts");
    assert.equal(received("redis+sentinel://h1/m/zero"), "a database that is no number");
    assert.equal(received("redis+sentinel://h1:70000/m"), "port 70000 of host 1 of the list");
    assert.equal(
      received("redis+sentinel://h1,/m"),
      "host 2 of the list is none (not shown: it may hold a password)",
    );
    assert.equal(
      received(`redis+sentinel://h/m?sentinelpassword=${PASSWORD}`),
      "parameters sentinelpassword",
    );
    assert.equal(received("redis+cluster://h1/1"), "another database than 0");
    assert.equal(received("redis+cluster://h1?x=1"), "parameters x");
    assert.deepEqual(problemOf("redis://h1,h2"), {
      received: "2 hosts",
      allowed: "one host behind redis://",
      wayOut:
        "Write redis+sentinel:// before the hosts of Sentinels, redis+cluster:// before those of a Cluster.",
    });
  });

  it("never show a password", () => {
    for (const text of [
      `${PASSWORD}`,
      `http://:${PASSWORD}@h`,
      `redis://${PASSWORD}:${PASSWORD}`,
      `redis+x://:${PASSWORD}@h`,
      `redis+sentinel://:${PASSWORD}/${PASSWORD}@h1:1/m`,
      `redis+sentinel://:${PASSWORD}?${PASSWORD}@h1:1/m`,
      `redis+sentinel://:${PASSWORD}#${PASSWORD}@h1:1/m`,
      `redis+sentinel://:${PASSWORD}`,
      `redis+sentinel://:50%x${PASSWORD}@h/m`,
      `redis+sentinel://h/m?sentinelAuth=${PASSWORD}`,
      `redis+sentinel://h/m?${PASSWORD}`,
      `redis+sentinel://h/${PASSWORD}/${PASSWORD}`,
      `redis+cluster://h/${PASSWORD}`,
      `redis+cluster://h1,${PASSWORD}:${PASSWORD}`,
    ])
      assert(!JSON.stringify(problemOf(text)).includes(PASSWORD), text);
  });

  it("are told without user and password, and taken apart", () => {
    const place = (text: string) => {
      const read = readRedisUrl(text);
      assert("place" in read);
      return describePlace(read.place);
    };
    const sentinel = `redis+sentinel://u:${PASSWORD}@h1,[::1]:5/m/1?sentinelPassword=s%20t`;
    assert.equal(place(sentinel), "m of h1:26379,[::1]:5");
    assert.equal(place(`redis+cluster://:${PASSWORD}@h1,h2:1`), "Cluster h1:6379,h2:1");
    assert.deepEqual(passwordsIn(sentinel), [PASSWORD, "s t"]);
    assert.deepEqual(passwordsIn("redis://h"), []);
    assert.deepEqual(passwordsIn("none"), []);
    assert.equal(withoutPassword(sentinel), "redis+sentinel://u@h1,[::1]:5/m/1?sentinelPassword=s%20t");
    assert.equal(withoutPassword(`redis://:${PASSWORD}@h:1/2`), "redis://h:1/2");
    assert.equal(withoutPassword("redis://h"), "redis://h");
  });
});
