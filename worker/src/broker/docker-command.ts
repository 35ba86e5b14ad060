/** The command line that makes a program's container. Pure. */
import type { BrokerRequest } from "./protocol.ts";

/** What is the broker's to say, and never a request's. */
export interface ContainerSettings {
  readonly image: string;
  /** Docker's name of an OCI runtime, such as `runsc`; "": Docker's default. */
  readonly runtime: string;
  /** CPUs of one container. */
  readonly cpus: number;
  /** Marks containers as this broker's. */
  readonly label: string;
}

const INSIDE = "/scratch";
/** Owns nothing on any host. */
const USER = "65532:65532";
const ENVIRONMENT = { HOME: INSIDE, TMPDIR: INSIDE, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };

/**
 * Arguments of `docker` that run a request in a container of that name. Nothing of a request is an option: its
 * variables are values of `--env`, always with `=`, and its command comes after the image. The container stays when
 * the program ends (no `--rm`), for it is then asked why; whoever runs this removes it.
 */
export function dockerRun(
  { command, environment, limits }: Pick<BrokerRequest, "command" | "environment" | "limits">,
  { image, runtime, cpus, label }: ContainerSettings,
  name: string,
): readonly string[] {
  const cpuSeconds = Math.ceil(limits.cpuMs / 1000);
  const variables = Object.entries({ ...ENVIRONMENT, ...environment });
  return [
    ...["run", "--interactive", "--name", name, "--label", label, "--pull", "never"],
    ...(runtime === "" ? [] : ["--runtime", runtime]),
    ...["--network", "none", "--ipc", "none"],
    ...["--pids-limit", String(limits.processes)],
    ...["--memory", String(limits.memoryBytes), "--memory-swap", String(limits.memoryBytes)],
    ...["--cpus", String(cpus), "--ulimit", `cpu=${cpuSeconds}:${cpuSeconds + 1}`, "--ulimit", "core=0"],
    ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", USER],
    ...["--read-only", "--workdir", INSIDE],
    ...["--tmpfs", `${INSIDE}:exec,nosuid,nodev,size=${limits.diskBytes},mode=0700,uid=65532,gid=65532`],
    ...["--log-driver", "none", "--no-healthcheck", "--entrypoint", ""],
    ...variables.flatMap(([variable, value]) => ["--env", `${variable}=${value}`]),
    ...["--", image, ...command],
  ];
}
