import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { findOnPath } from "../../components/find-on-path.ts";
import type { DockerEngine } from "../support/docker-engine.ts";

const PROGRAMS = ["sh", "sleep", "chown", "mknod", "chroot", "id", "true", "rm"];

/** The static busybox of this machine; `undefined`: there is none. */
export const busybox = () => findOnPath("busybox", "/bin:/usr/bin");

/** An image with programs of busybox alone, which calls itself one of ours. */
export function busyboxImage(engine: DockerEngine, name: string, program: string): void {
  const root = engine.rootFolder();
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  copyFileSync(program, join(root, "usr/bin/busybox"));
  for (const each of PROGRAMS) symlinkSync("busybox", join(root, "usr/bin", each));
  engine.import(root, name, ['LABEL org.opencontainers.image.title="taskfleet worker"', "ENV PATH=/usr/bin"]);
}
