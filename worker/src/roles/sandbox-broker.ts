/** The role that runs untrusted programs in containers for workers that must not have Docker's socket. */
import { EXIT } from "../../contract/exit-codes.ts";
import { BrokerServer } from "../broker/broker-server.ts";
import { checkImage, removeLeftovers } from "../broker/docker.ts";
import { BROKER_EVENTS } from "../broker/events.ts";
import { loadSettings } from "../config/load-settings.ts";
import { limitsOf } from "../handlers/execute/payload-limits.ts";
import { logOptions } from "../logging/log-options.ts";
import { createLogger } from "../logging/logger.ts";
import type { SandboxLimits } from "../ports/sandbox.ts";

/** Requests have whole numbers. */
function whole(limits: SandboxLimits): SandboxLimits {
  const entries = Object.entries(limits).map(([name, value]) => [name, Math.ceil(value)] as const);
  return Object.fromEntries(entries) as unknown as SandboxLimits;
}

/**
 * Runs until SIGTERM or SIGINT, then lets programs end; a second signal ends them. Returns the exit code.
 * @throws SettingsError, DockerError, BrokerSocketError before anything is started.
 */
export async function runSandboxBroker(env: NodeJS.ProcessEnv): Promise<number> {
  const settings = loadSettings(env, "broker");
  const { sandboxBroker: socket, brokerImage: image } = settings;
  const logger = await createLogger({ name: "sandbox-broker", ...logOptions(settings) });
  const { brokerRuntime: runtime, brokerContainers: containers } = settings;
  const label = `taskfleet.sandbox-broker=${socket}`;
  await checkImage(image);
  const server = new BrokerServer({
    ...{ socket, image, runtime, containers, label, logger },
    cpus: settings.brokerCpus,
    group: settings.brokerGroup,
    limits: whole(limitsOf(settings)),
  });
  await server.start();
  const removed = await removeLeftovers(label);
  if (removed > 0) logger.warn({ containers: removed }, BROKER_EVENTS.leftoversRemoved);
  logger.info({ socket, image, runtime, containers }, BROKER_EVENTS.ready);
  const stop = Promise.withResolvers<void>();
  let signals = 0;
  for (const name of ["SIGTERM", "SIGINT"] as const)
    process.on(name, () => {
      logger.info({ signal: name }, BROKER_EVENTS.signal);
      if (signals++ > 0) server.killAll();
      stop.resolve();
    });
  await stop.promise;
  await server.drain();
  logger.info({ graceful: true }, BROKER_EVENTS.stopped);
  return EXIT.ok;
}
