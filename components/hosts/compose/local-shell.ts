import type { HostShell } from "./host-shell.ts";
import { runChild } from "./run-child.ts";

/** What a client of the engine, Compose or SSH reads; `${WORKER_...}` of the user's shell is not for us to follow. */
const INHERITED =
  /^(?:PATH|HOME|USER|LOGNAME|LANG|LC_.*|TZ|TMPDIR|XDG_.*|SSH_.*|DOCKER_.*|(?:HTTPS?|NO|ALL)_PROXY|(?:https?|no|all)_proxy)$/;

export function clientEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => INHERITED.test(name)));
}

/** This machine. The user's DOCKER_HOST and context count. */
export function localShell(environment: NodeJS.ProcessEnv): HostShell {
  const own = clientEnvironment(environment);
  return {
    name: "this machine",
    isLocal: true,
    run: (words, options = {}) => runChild(words, options, own),
  };
}
