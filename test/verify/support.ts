import type { Subject } from "../../components/verify/facts.ts";

const NONE = "0000000000000000";

/** A process that is confined in every way. */
export const STATUS = {
  Name: "node",
  Uid: "65532 65532 65532 65532",
  CapInh: NONE,
  CapPrm: NONE,
  CapEff: NONE,
  CapBnd: NONE,
  CapAmb: NONE,
  NoNewPrivs: "1",
  Seccomp: "2",
};

const OWN = { pid: "pid:[1]", net: "net:[1]", ipc: "ipc:[1]", uts: "uts:[1]", mnt: "mnt:[1]" };
export const HOST = { pid: "pid:[9]", net: "net:[9]", ipc: "ipc:[9]", uts: "uts:[9]", mnt: "mnt:[9]" };

/** A container that is confined in every way. */
export const SOUND: Subject = {
  name: "peagen-worker-1",
  service: "worker",
  pid: 10,
  kernel: {
    alive: true,
    processes: [
      { pid: 10, status: STATUS },
      { pid: 11, status: { ...STATUS, Name: "sh" } },
    ],
    groups: ["0::/docker/abc"],
    mounts: ["30 20 0:40 / / ro,relatime - overlay overlay rw", "31 30 0:41 / /tmp rw - tmpfs tmpfs rw"],
    namespaces: OWN,
    pids: ["256", "max"],
    memory: ["536870912", "9223372036854771712"],
  },
  hostNamespaces: HOST,
  engine: {
    id: "abc",
    privileged: false,
    mountSources: ["/var/lib/docker/volumes/x/_data"],
    engineSockets: ["/run/docker.sock"],
    mayHaveSocket: false,
  },
  attempts: [{ name: "write to /", end: "refused" }],
  controls: null,
};
