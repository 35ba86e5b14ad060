/** What a container sees of the host: its root, namespaces, the engine. Pure. */
import { NAMESPACES, type Subject } from "./facts.ts";
import { type Finding, failed, none, ok, unknown } from "./verdict.ts";

/** `36 35 98:0 /root /mount/point ro,noatime master:1 - ext4 ...` */
function parseMount(line: string) {
  const [, , , root = "", point = "", options = ""] = line.split(" ");
  return { root, point, options: options.split(",") };
}

export function judgeMounts({ kernel, pid }: Subject): Finding {
  // A later mount on the same point covers the earlier ones.
  const root = kernel.mounts.map(parseMount).findLast(({ point }) => point === "/");
  if (root === undefined) return unknown(`/proc/${pid}/mountinfo cannot be read`);
  return root.options.includes("ro") ? ok("yes") : failed("writable", "its root is mounted writable");
}

export function judgeNamespaces({ kernel, hostNamespaces, engine }: Subject): Finding {
  // Workers of this machine share what the spec does not speak of.
  if (engine === null) return none;
  const hidden = NAMESPACES.filter(
    (kind) => kernel.namespaces[kind] === undefined || hostNamespaces[kind] === undefined,
  );
  if (hidden.length > 0) return unknown(`its ${hidden.join(", ")} namespaces cannot be read`);
  const shared = NAMESPACES.filter((kind) => kernel.namespaces[kind] === hostNamespaces[kind]);
  if (shared.length === 0) return ok("own");
  return failed(`host's ${shared.join(", ")}`, `it shares the host's namespaces: ${shared.join(", ")}`);
}

const ENGINE_SOCKET = /\/(?:docker|containerd|podman|crio)(?:\.raw)?\.sock$/;

/** The same folder under its two names. */
const real = (path: string) => path.replace(/^\/var\/run(?=\/|$)/, "/run").replace(/\/+$/, "");

/** Whether a mount of this path of the host gives one of the sockets. */
function gives(source: string, sockets: readonly string[]): boolean {
  const path = real(source);
  return ENGINE_SOCKET.test(path) || sockets.some((socket) => `${real(socket)}/`.startsWith(`${path}/`));
}

export function judgeSocket({ engine, kernel }: Subject): Finding {
  if (engine === null) return none;
  const sources = engine.mountSources.filter((source) => gives(source, engine.engineSockets));
  const points = kernel.mounts
    .map(parseMount)
    .filter(({ root, point }) => ENGINE_SOCKET.test(root) || ENGINE_SOCKET.test(point))
    .map(({ point }) => point);
  const [first] = [...sources, ...points];
  if (first === undefined) return ok("none");
  if (engine.mayHaveSocket) return ok("its own");
  return failed(
    first,
    `it has the engine's socket, by the mount of ${first}: it could become root of the host`,
  );
}

export function judgePrivileged({ engine }: Subject): Finding {
  if (engine === null) return none;
  return engine.privileged ? failed("yes", "it is privileged") : ok("no");
}
