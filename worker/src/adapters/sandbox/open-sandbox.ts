import { existsSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import type { BackEnd } from "../../../contract/sandbox.ts";
import { SETTINGS } from "../../../contract/settings.ts";
import type { Sandbox } from "../../ports/sandbox.ts";
import { openTaskGroups } from "../cgroups/task-groups.ts";
import { openBroker } from "./broker-sandbox.ts";
import { choose, unaccepted } from "./choose.ts";
import { HelperSandbox } from "./helper-sandbox.ts";
import { openToAll } from "./policy.ts";
import { probe } from "./probe.ts";

export interface SandboxOptions {
  /** The helper's binary; "" for none. */
  readonly helper: string;
  /** The broker's socket, for the back end `broker`; "" for none. */
  readonly broker: string;
  readonly backEnd: BackEnd | "auto";
  /** Names of protections that may be missing. */
  readonly acceptUnenforced: readonly string[];
  /** Folders beside the system's that programs may read and execute. */
  readonly readable: readonly string[];
  /** Folders of a control group in which programs may have theirs; default: this process's own. */
  readonly controlGroup?: readonly string[];
}

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** This Node, so that programs for it run wherever workers do; not where the program's user could not reach it. */
function ownNode(root: boolean): readonly string[] {
  const node = realpathSync(process.execPath);
  return root && !openToAll(node) ? [] : [node];
}

/** The sandbox that this process can make, or a text that says why there is none and what to do. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox | string> {
  const { helper, backEnd, acceptUnenforced, readable, controlGroup = [] } = options;
  if (backEnd === "broker") return openBroker(options.broker);
  if (helper === "" || !existsSync(helper))
    return `${SETTINGS.sandboxHelper.env} is ${helper === "" ? "not set" : `"${helper}", which is not there`}: it must name the built helper`;
  const found = await probe(helper, process.env.PATH ?? SYSTEM_PATH).catch((error: unknown) => String(error));
  if (typeof found === "string") return `the helper ${helper} does not run: ${found}`;
  const choice = choose(backEnd, found);
  if (typeof choice === "string") return choice;
  const refused = unaccepted(choice.unenforced, acceptUnenforced);
  if (refused.length > 0)
    return (
      `${choice.backEnd} cannot enforce ${refused.join(", ")} here: use a newer kernel, or accept it by ` +
      `execute.acceptUnenforced (${SETTINGS.executeAcceptUnenforced.env}=${refused.join(",")})`
    );
  const groups = await openTaskGroups(controlGroup);
  const node = ownNode(found.root);
  return new HelperSandbox({
    helper,
    ...choice,
    system: found.system,
    readable: [...readable, ...node],
    path: [SYSTEM_PATH, ...node.map(dirname)].join(":"),
    groups,
    // The limit of processes would be that of all of the user's.
    oneAtATime: choice.backEnd === "landlock" && !found.root && typeof groups === "string",
  });
}
