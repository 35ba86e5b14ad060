import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { findOnPath } from "../../components/find-on-path.ts";
import { identify, signalProcess } from "../../worker/src/adapters/processes/process-identity.ts";
import { processesWith } from "../sandbox/support/processes.ts";
import { ENGINE_NETWORKS, NetworksBefore, networksProblem } from "./engine-networks.ts";
import { waitFor } from "./wait.ts";

const PATHS_OF_DAEMONS = `/usr/bin:/usr/sbin:${process.env.PATH ?? ""}`;

export interface EngineOptions {
  /**
   * Networks and published ports, which change this machine's packet filter while the engine runs. Default false. With
   * them, a running engine that `TASKFLEET_TEST_ENGINE` names (as `DOCKER_HOST` would) is used and left running.
   */
  readonly networks?: boolean;
  /** Another address of a running engine, or "" for one of this test's own. */
  readonly running?: string;
}

/** The address of a running engine for tests; "" without one. */
function runningEngine({ networks = false, running }: EngineOptions): string {
  return running ?? (networks ? (process.env.TASKFLEET_TEST_ENGINE ?? "") : "");
}

/** Why there is no engine for tests here, in words; `undefined` when there is one. */
export function engineProblem(options: EngineOptions = {}): string | undefined {
  if (runningEngine(options) !== "")
    return findOnPath("docker", PATHS_OF_DAEMONS) === undefined ? "not installed: docker" : undefined;
  if (process.getuid?.() !== 0) return "an engine of one's own needs root";
  const missing = ["dockerd", "containerd", "docker"].filter(
    (name) => findOnPath(name, PATHS_OF_DAEMONS) === undefined,
  );
  if (missing.length > 0) return `not installed: ${missing.join(", ")}`;
  return options.networks === true ? networksProblem() : undefined;
}

/** A container engine of this test's own; by default without networks, so that it leaves the machine's alone. */
export class DockerEngine {
  readonly #folder = mkdtempSync(join(tmpdir(), "taskfleet-docker-"));
  readonly #daemons: ChildProcess[] = [];
  readonly #running: string;
  readonly #networks: boolean;
  #before: NetworksBefore | undefined;
  readonly docker = findOnPath("docker", PATHS_OF_DAEMONS) ?? "docker";

  constructor(options: EngineOptions = {}) {
    this.#running = runningEngine(options);
    this.#networks = options.networks ?? false;
  }

  /** Its address, as `DOCKER_HOST`. */
  get host(): string {
    return this.#running === "" ? `unix://${this.#folder}/docker.sock` : this.#running;
  }

  /** Environment of its clients. */
  get environment(): NodeJS.ProcessEnv {
    return { PATH: PATHS_OF_DAEMONS, HOME: this.#folder, DOCKER_HOST: this.host };
  }

  async start(): Promise<void> {
    if (this.#running !== "") {
      this.run("version");
      return;
    }
    const at = (name: string) => join(this.#folder, name);
    const containerd = `version = 2
root = "${at("containerd")}"
state = "${at("state")}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${at("containerd.sock")}"
[ttrpc]
  address = "${at("containerd.sock.ttrpc")}"
`;
    writeFileSync(at("containerd.toml"), containerd);
    this.#spawn("containerd", "-c", at("containerd.toml"));
    const places = ["--data-root", at("data"), "--exec-root", at("exec"), "--pidfile", at("pid")];
    const apart = ["--bridge", "none", "--iptables=false"];
    const networks = this.#networks ? ENGINE_NETWORKS : apart;
    if (this.#networks) this.#before = new NetworksBefore();
    const sockets = ["--containerd", at("containerd.sock"), "-H", `unix://${at("docker.sock")}`];
    await waitFor("containerd", () => this.#answers("containerd.sock"));
    writeFileSync(at("daemon.json"), JSON.stringify({ runtimes: this.#runtimes() }));
    this.#spawn(
      "dockerd",
      ...sockets,
      ...places,
      ...networks,
      "--ip6tables=false",
      "--config-file",
      at("daemon.json"),
    );
    await waitFor("the engine", () => this.#answers("docker.sock") && this.#ready());
  }

  /** Path of gVisor's runtime, which the engine has as `runsc`; `undefined` where it is not installed. */
  readonly gvisor = findOnPath("runsc", PATHS_OF_DAEMONS);

  #runtimes(): object {
    // Its platform needs neither KVM nor a newer kernel's help.
    const runtimeArgs = ["--platform=ptrace", "--network=none"];
    return this.gvisor === undefined ? {} : { runsc: { path: this.gvisor, runtimeArgs } };
  }

  run(...words: readonly string[]): string {
    return execFileSync(this.docker, words, { env: this.environment, encoding: "utf8" });
  }

  /** An image with nothing but mount points and the links of a merged /usr. */
  emptyImage(name: string): void {
    this.import(this.rootFolder(), name);
  }

  /** An image with these programs of this machine, their libraries, and Perl's modules. */
  programsImage(name: string, programs: readonly string[]): void {
    const root = this.rootFolder();
    this.copyPrograms(root, programs);
    const modules = execFileSync("perl", ["-e", "print join qq(\n), grep { m{/perl-base$} } @INC"], {
      encoding: "utf8",
    });
    copyInto(root, modules);
    this.import(root, name);
  }

  /** Puts programs of this machine into an image's folder, with their libraries. */
  copyPrograms(root: string, programs: readonly string[]): void {
    const paths = programs.map((program) => realpathSync(findOnPath(program, PATHS_OF_DAEMONS) ?? program));
    for (const path of paths) copyInto(root, path);
    this.copyLibraries(root, paths);
    for (const [index, program] of programs.entries()) {
      const link = join(root, "usr/bin", program);
      if (!existsSync(link)) symlinkSync(paths[index] ?? program, link);
    }
  }

  /** Puts the shared libraries of programs into an image's folder. */
  copyLibraries(root: string, paths: readonly string[]): void {
    const listed = execFileSync("ldd", paths, { encoding: "utf8" });
    const libraries = [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
    for (const path of new Set(libraries)) copyInto(root, path);
  }

  /** A folder for an image: mount points, the links of a merged /usr, the users of a distroless image. */
  rootFolder(): string {
    const root = mkdtempSync(join(this.#folder, "image-"));
    for (const folder of ["usr", "etc", "tmp", "proc", "sys", "dev"])
      mkdirSync(join(root, folder), { recursive: true });
    // A tmpfs takes over the rights of the folder that it covers.
    chmodSync(join(root, "tmp"), 0o1777);
    for (const link of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${link}`, join(root, link));
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/:/bin/sh\nnonroot:x:65532:65532::/:/bin/sh\n");
    return root;
  }

  /** Makes an image of a folder. `changes`: instructions of a Dockerfile, such as `ENV PATH=/bin`. */
  import(root: string, name: string, changes: readonly string[] = []): void {
    // Everyone may enter what mkdtemp keeps to its user.
    chmodSync(root, 0o755);
    const archive = `${root}.tar`;
    execFileSync("tar", ["-C", root, "-cf", archive, "."]);
    const words = ["import", ...changes.flatMap((change) => ["-c", change]), archive, name];
    execFileSync(this.docker, words, { env: this.environment, stdio: ["ignore", "ignore", "inherit"] });
    rmSync(archive);
  }

  async stop(): Promise<void> {
    for (const daemon of this.#daemons.reverse()) {
      const gone = new Promise((resolve) => daemon.once("exit", resolve));
      if (daemon.exitCode !== null) continue;
      daemon.kill("SIGTERM");
      await gone;
    }
    // Of a program that gVisor could not start, containerd leaves the shim.
    const shims = processesWith(`-address\0${join(this.#folder, "containerd.sock")}\0`);
    for (const shim of shims.map(identify)) if (shim !== null) signalProcess(shim, "SIGKILL");
    // The engine leaves the mount of the host's own network, once a container has used that.
    const network = join(this.#folder, "exec/netns/default");
    if (readFileSync("/proc/self/mounts", "utf8").includes(` ${network} `)) execFileSync("umount", [network]);
    this.#before?.restore();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #ready(): boolean {
    try {
      this.run("version");
      return true;
    } catch {
      return false;
    }
  }

  #answers(socket: string): boolean {
    try {
      execFileSync("test", ["-S", join(this.#folder, socket)]);
      return true;
    } catch {
      return false;
    }
  }

  #spawn(name: string, ...words: readonly string[]): void {
    const env = { PATH: PATHS_OF_DAEMONS };
    this.#daemons.push(spawn(findOnPath(name, PATHS_OF_DAEMONS) ?? name, words, { env, stdio: "ignore" }));
  }
}

/** Copies a file or folder to the place in an image that it has here. */
function copyInto(root: string, path: string): void {
  const target = join(root, realpathSync(dirname(path)), basename(path));
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  cpSync(path, target, { recursive: true, dereference: true });
}
