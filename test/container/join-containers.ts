/** Joins two containers by an engine with networks; prints what came of it. Run in a network namespace of its own. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { DockerEngine } from "../support/docker-engine.ts";
import { quietPort } from "../support/quiet-port.ts";
import { waitFor } from "../support/wait.ts";

export interface Joined {
  readonly byName: string;
  readonly published: string;
  /** The machine's packet filter and bridges. */
  readonly before: string;
  readonly meanwhile: string;
  readonly after: string;
}

const IMAGE = "taskfleet-test-perl";
const SERVE =
  "use Socket; socket(my $s, PF_INET, SOCK_STREAM, 0); bind($s, sockaddr_in(80, INADDR_ANY)); listen($s, 9); " +
  "while (accept(my $c, $s)) { print $c qq(served\\n); close $c }";
const ASK =
  "use Socket; socket(my $s, PF_INET, SOCK_STREAM, 0); " +
  "connect($s, sockaddr_in($ARGV[1], inet_aton($ARGV[0]))) or exit 1; print <$s>";

function ask(program: string, ...words: readonly string[]): string {
  return execFileSync(program, words, { encoding: "utf8" });
}

function machine(): string {
  const tables = ["filter", "nat"].map((table) => ask("iptables", "-t", table, "-S"));
  const forwarding = `forwarding ${readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8")}`;
  return [...tables, forwarding, ask("ip", "-brief", "link", "show", "type", "bridge")].join("\n");
}

async function join(engine: DockerEngine): Promise<Omit<Joined, "before" | "after">> {
  const port = await quietPort();
  engine.programsImage(IMAGE, ["perl"]);
  engine.run("network", "create", "inside");
  const words = ["-d", "--name", "server", "--network", "inside", "-p", `127.0.0.1:${port}:80`];
  engine.run("run", ...words, IMAGE, "perl", "-e", SERVE);
  let byName = "";
  await waitFor("an answer by name", () => {
    try {
      byName = engine.run("run", "--rm", "--network", "inside", IMAGE, "perl", "-e", ASK, "server", "80");
      return true;
    } catch {
      return false;
    }
  });
  return { byName, published: ask("perl", "-e", ASK, "127.0.0.1", String(port)), meanwhile: machine() };
}

const before = machine();
const engine = new DockerEngine({ networks: true, running: "" });
await engine.start();
const found = await join(engine).finally(() => engine.stop());
process.stdout.write(JSON.stringify({ ...found, before, after: machine() } satisfies Joined));
