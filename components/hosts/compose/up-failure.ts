import { HostError } from "../errors.ts";
import type { ComposeEngine, ProjectContainer } from "./compose-engine.ts";
import { lastWords, type ShellEnd } from "./host-shell.ts";
import type { PlannedService } from "./project-inputs.ts";

const LOG_LINES_SHOWN = 15;

type Services = Readonly<Record<string, PlannedService>>;

/**
 * The container that is the reason: the one that Compose names, or, when it gave up waiting, one that ended badly before
 * one that still starts.
 */
export function culprit(
  reason: string,
  containers: readonly ProjectContainer[],
  services: Services,
): ProjectContainer | undefined {
  const named = containers.find(({ name }) => reason.split(/[\s"']+/).includes(name));
  if (named !== undefined || !/not healthy|timeout|deadline/i.test(reason)) return named;
  const fixed = containers.filter(({ service, oneOff }) => services[service]?.scaled === false && !oneOff);
  const ranks: readonly ((container: ProjectContainer) => boolean)[] = [
    ({ status, exitCode }) => status === "exited" && exitCode !== 0,
    ({ status }) => status === "restarting" || status === "dead",
    ({ health }) => health === "unhealthy",
    ({ health }) => health === "starting",
  ];
  return ranks.map((rank) => fixed.find(rank)).find((found) => found !== undefined);
}

function stateOf({ status, exitCode, health }: ProjectContainer): string {
  if (status === "exited") return `ended with exit code ${exitCode}`;
  if (status === "running") return `is ${health === "" ? "running" : health}`;
  return `is ${status}`;
}

/** Why `up` failed: Compose's reason, and the end of the log of the service that is it. */
export async function explainFailedUp(
  engine: ComposeEngine,
  folder: string,
  services: Services,
  end: ShellEnd,
): Promise<HostError> {
  if (/no space left on device/i.test(end.stderr))
    return new HostError(
      `the disk of ${engine.shell.name} is full; free some space, then run the update again`,
    );
  const reason = lastWords(end);
  const found = culprit(reason, await engine.containers(), services);
  if (found === undefined)
    return new HostError(`Compose could not start the project in ${folder}: ${reason}`);
  const log = await engine.docker(["logs", "--tail", String(LOG_LINES_SHOWN), found.id]);
  const said = `${log.stdout}${log.stderr}`.trimEnd();
  return new HostError(
    `service ${found.service} ${stateOf(found)}, so the project in ${folder} is not up; ` +
      (said === "" ? "it logged nothing" : `the end of its log:\n${said}`),
  );
}
