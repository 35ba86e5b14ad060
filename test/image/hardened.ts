/** Words of `docker run` that deny a container what every service of the Compose project is denied. */
export const HARDENED: readonly string[] = [
  ...[
    "--read-only",
    "--tmpfs",
    "/tmp:size=256m,mode=1777",
    "--cap-drop",
    "ALL",
    "--init",
    "--user",
    "65532:65532",
  ],
  ...["--security-opt", "no-new-privileges", "--pids-limit", "256", "--cpus", "1"],
  ...["--memory", "512m", "--memory-swap", "512m"],
];
