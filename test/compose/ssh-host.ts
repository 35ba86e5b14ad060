import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { findOnPath } from "../../components/find-on-path.ts";
import type { ComposeHost } from "../../components/hosts/compose/project-inputs.ts";
import { sshOptions } from "../../components/hosts/compose/ssh-shell.ts";
import { quietPort } from "../support/quiet-port.ts";
import { waitFor } from "../support/wait.ts";

const PATHS = `/usr/sbin:/usr/bin:/bin:${process.env.PATH ?? ""}`;

/** Why there can be no SSH server of a test's own; `undefined` when there can. */
export function sshProblem(): string | undefined {
  const missing = ["sshd", "ssh", "ssh-keygen"].filter((name) => findOnPath(name, PATHS) === undefined);
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

/** This machine behind an SSH server on the loopback, with keys and known hosts of its own. */
export class SshHost {
  readonly #folder = mkdtempSync(join(tmpdir(), "taskfleet-ssh-host-"));
  readonly destination = `${userInfo().username}@127.0.0.1`;
  readonly identityFile = join(this.#folder, "user-key");
  readonly #path = process.env.PATH ?? "";
  #server: ChildProcess | undefined;
  #said = "";
  port = 0;

  #at(name: string): string {
    return join(this.#folder, name);
  }

  #key(name: string): string {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", this.#at(name)]);
    return this.#at(name);
  }

  /**
   * `variables`: what a login has in its environment. `programs`: more of them on its PATH, by name. From then on this
   * process' `ssh` reads the test's configuration alone.
   */
  async start(
    variables: Readonly<Record<string, string>>,
    programs: Readonly<Record<string, string>>,
  ): Promise<void> {
    this.port = await quietPort();
    const bin = this.#at("bin");
    mkdirSync(bin);
    for (const [name, target] of Object.entries(programs)) symlinkSync(target, join(bin, name));
    const environment = { ...variables, PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` };
    const hostKey = this.#key("host-key");
    const userKey = this.#key("user-key");
    const settings = [
      ...[`Port ${this.port}`, "ListenAddress 127.0.0.1", `HostKey ${hostKey}`, `PidFile ${this.#at("pid")}`],
      ...[`AuthorizedKeysFile ${userKey}.pub`, "StrictModes no", "UsePAM no", "PasswordAuthentication no"],
      `SetEnv ${Object.entries(environment)
        .map(([name, value]) => `${name}=${value}`)
        .join(" ")}`,
    ];
    writeFileSync(this.#at("sshd_config"), `${settings.join("\n")}\n`);
    // Where the package's service was never started, this folder is missing.
    if (process.getuid?.() === 0 && !existsSync("/run/sshd")) mkdirSync("/run/sshd", { mode: 0o755 });
    await this.#serve();
    this.#useConfiguration(hostKey);
  }

  async #serve(): Promise<void> {
    const sshd = findOnPath("sshd", PATHS) ?? "sshd";
    const server = spawn(sshd, ["-D", "-e", "-f", this.#at("sshd_config")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    server.stderr.setEncoding("utf8").on("data", (text) => {
      this.#said += text;
    });
    this.#server = server;
    await waitFor("the SSH server", () => {
      if (server.exitCode !== null) throw new Error(`sshd ended: ${this.#said}`);
      return this.#answers();
    });
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1");
      socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
  }

  /** OpenSSH finds its user's configuration by the password file, not by HOME: only an option names another. */
  #useConfiguration(hostKey: string): void {
    const key = execFileSync("ssh-keygen", ["-y", "-f", hostKey], { encoding: "utf8" }).trim();
    writeFileSync(this.#at("known_hosts"), `[127.0.0.1]:${this.port} ${key}\n`);
    writeFileSync(
      this.#at("ssh_config"),
      `UserKnownHostsFile ${this.#at("known_hosts")}\nStrictHostKeyChecking yes\nIdentitiesOnly yes\n`,
    );
    const ssh = findOnPath("ssh", PATHS) ?? "ssh";
    const client = this.#at("client");
    mkdirSync(client);
    writeFileSync(join(client, "ssh"), `#!/bin/sh\nexec ${ssh} -F '${this.#at("ssh_config")}' "$@"\n`);
    chmodSync(join(client, "ssh"), 0o755);
    process.env.PATH = [client, this.#path].join(delimiter);
  }

  /** From now on the client knows another key of this host than it has. */
  forgetHostKey(): void {
    writeFileSync(this.#at("known_hosts"), "");
  }

  /** Ends the connection that commands share, so that the next one logs in. */
  disconnect(): void {
    spawnSync("ssh", [...sshOptions(this.host), "-O", "exit", "--", this.destination], { stdio: "ignore" });
  }

  get host(): Extract<ComposeHost, { kind: "ssh" }> {
    const { destination, port, identityFile } = this;
    return { kind: "ssh", destination, port, identityFile };
  }

  async stop(): Promise<void> {
    this.disconnect();
    process.env.PATH = this.#path;
    const server = this.#server;
    if (server !== undefined && server.exitCode === null) {
      const gone = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
