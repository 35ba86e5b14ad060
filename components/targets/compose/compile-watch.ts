import { SETTINGS } from "../../../worker/contract/settings.ts";
import { formatWatchedServices } from "../../../worker/contract/watched-services.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import type { Environment } from "../../spec/to-environment.ts";
import { interpolated } from "./compile-queue.ts";
import type { ComposeContext } from "./context.ts";
import { MEMORY } from "./footprints.ts";
import { NETWORK, PATH, SERVICE, VARIABLE, variable } from "./names.ts";
import {
  environment,
  healthy,
  QUEUE,
  ROLE_HEALTH,
  readOnlyBind,
  roleSettings,
  roleUser,
  service,
  serviceNames,
  writableBind,
} from "./parts.ts";
import { hardenPart } from "./profile.ts";
import type { UnloggedService } from "./service.ts";

/** What the shell said when the project was brought up; empty counts as unset, so that the file's own value holds. */
function passedOn(fleet: ResolvedFleet): Environment {
  const names = Object.keys(interpolated(fleet.classes[0]));
  return Object.fromEntries(names.map((name) => [name, `\${${name}:-}`]));
}

/**
 * The one service that holds the engine's socket, which is as good as root on its host: it runs no handler, publishes
 * no port and has no secret but Redis' password. It sees the project's folder where the host has it, so that Compose
 * finds the same paths inside; the secrets' folder is an empty one there.
 */
export function watchService(fleet: ResolvedFleet, context: ComposeContext): UnloggedService {
  const directory = variable(VARIABLE.directory);
  const watched = fleet.classes.map((one) => ({
    service: serviceNames(fleet, one).worker,
    stream: one.stream,
  }));
  const settings = {
    ...roleSettings(fleet, fleet.classes[0], "watch"),
    watch: [formatWatchedServices(watched)],
    watchProject: context.project,
  };
  const hardening = hardenPart("watcher", { user: roleUser(fleet), memory: MEMORY.watcher });
  return service(
    SERVICE.watcher,
    "Starts and ends workers as the spawners say. It holds the engine's socket, and no secret but Redis' password.",
    {
      image: variable(VARIABLE.watchImage),
      command: ["watch-queue"],
      environment: {
        ...QUEUE.environment,
        ...environment(settings),
        [SETTINGS.watchDirectory.env]: directory,
        ...passedOn(fleet),
        // Docker's command line keeps its files there.
        HOME: "/tmp",
      },
      secrets: QUEUE.secrets,
      volumes: [readOnlyBind(directory, directory), writableBind(variable(VARIABLE.socket), PATH.socket)],
      networks: [NETWORK.queue, NETWORK.monitoring],
      depends_on: healthy(SERVICE.redis),
      healthcheck: ROLE_HEALTH,
      restart: "unless-stopped",
      stop_grace_period: "30s",
      group_add: [variable(VARIABLE.socketGroup)],
    },
    { ...hardening, tmpfs: [...hardening.tmpfs, `${directory}/secrets:size=4k,mode=0500`] },
  );
}
