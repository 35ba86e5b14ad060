import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shellQuote } from "../../shell-quote.ts";
import { HostError } from "../errors.ts";
import { type HostShell, lastWords, type RunOptions, type ShellEnd } from "./host-shell.ts";
import { clientEnvironment } from "./local-shell.ts";
import type { ComposeHost } from "./project-inputs.ts";
import { runChild } from "./run-child.ts";

type SshHost = Extract<ComposeHost, { readonly kind: "ssh" }>;

/** What ssh itself ends with when it does not get through. */
const NOT_CONNECTED = 255;
const CONNECT_SECONDS = 15;
/** How long the connection stays open for the next command: a login takes longer than most of them. */
const PERSIST_SECONDS = 30;

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/Connection refused/, "connection refused: start sshd there, or correct the port"],
  [
    /Host key verification failed|REMOTE HOST IDENTIFICATION/,
    "its host key is not known: log in once by hand and check it",
  ],
  [
    /Permission denied/,
    "it refuses the login: give it this user's public key, or name another key (taskfleet:hostKey)",
  ],
  [/Could not resolve/, "there is no such host: correct taskfleet:host"],
  [/timed out|No route|unreachable/, "it does not answer: check the address and what stands between"],
];

/** Why ssh got no connection, as one line with the way out. */
export function explainSsh(destination: string, end: ShellEnd): HostError {
  const reason = REASONS.find(([pattern]) => pattern.test(end.stderr))?.[1] ?? lastWords(end);
  return new HostError(`cannot reach ${destination} over SSH: ${reason}`);
}

/** The command line that the host's shell is given. */
export function remoteCommand(words: readonly string[], directory: string | undefined): string {
  const command = words.map(shellQuote).join(" ");
  return directory === undefined ? command : `cd ${shellQuote(directory)} && ${command}`;
}

/** Sockets of shared connections; a path longer than about 100 bytes is refused by the system. */
function controlFolder(): string {
  const uid = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `taskfleet-ssh-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Whoever made it before us could listen in a socket's place, and be given every secret.
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0)
    throw new HostError(
      `${folder}: it is no folder of this user alone, as connections of ssh need: remove it`,
    );
  return folder;
}

/** Words for `ssh` before the destination. */
export function sshOptions({ port, identityFile }: SshHost): readonly string[] {
  const settings = {
    BatchMode: "yes",
    ConnectTimeout: CONNECT_SECONDS,
    ServerAliveInterval: 15,
    ControlMaster: "auto",
    ControlPath: join(controlFolder(), "%C"),
    ControlPersist: PERSIST_SECONDS,
  };
  return [
    ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...(port === 0 ? [] : ["-p", String(port)]),
    ...(identityFile === "" ? [] : ["-i", identityFile]),
  ];
}

/** A host that the system's `ssh` reaches without questions; keys, known hosts and jumps as the user's configuration says. */
export function sshShell(host: SshHost, environment: NodeJS.ProcessEnv): HostShell {
  const own = clientEnvironment(environment);
  const { destination } = host;
  const ssh = (words: readonly string[], more: RunOptions) =>
    runChild(["ssh", ...sshOptions(host), ...words], more, own);
  return {
    name: destination,
    isLocal: false,
    async run(words, { directory, ...more } = {}) {
      const end = await ssh(["--", destination, remoteCommand(words, directory)], more);
      if (end.code === 127 && /^ssh: not found/.test(end.stderr))
        throw new HostError("there is no ssh on this machine: install the package openssh-client");
      if (end.code === NOT_CONNECTED) throw explainSsh(destination, end);
      return end;
    },
  };
}
