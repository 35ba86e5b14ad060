/**
 * Stand-ins for the official images of the servers in a Compose project, made of this machine's programs, for where no
 * image can be pulled. Users, paths, entry points and volumes are those of the official ones.
 */
import { cpSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { composeBinary } from "../../../components/paths.ts";
import { findPostgres } from "../../../components/platform/postgres-server.ts";
import type { DockerEngine } from "../docker-engine.ts";
import { redisBinary } from "../redis-binary.ts";
import {
  addUser,
  busyboxFolder,
  debianFolder,
  missingPrograms,
  ownFolder,
  programHere,
  putFile,
  putFolder,
  putProgram,
  putText,
  Recipe,
} from "./image-folder.ts";

/** References of the stand-ins by the name of what they stand in for. */
export const SERVER_IMAGES = {
  redis: "standin/redis",
  postgres: "standin/postgres",
  prometheus: "standin/prometheus",
  alertmanager: "standin/alertmanager",
  redisExporter: "standin/redis-exporter",
  dockerCli: "standin/docker-cli",
} as const;

type ServerName = keyof typeof SERVER_IMAGES;

const NOBODY = 65534;

const MAKERS: Readonly<Record<ServerName, (engine: DockerEngine, name: string) => void>> = {
  redis,
  postgres,
  prometheus,
  alertmanager,
  redisExporter,
  dockerCli,
};

const RECIPE = new Recipe(import.meta.filename);

/** Why they cannot be made here; `undefined` when they can. */
export function serversProblem(): string | undefined {
  const programs = ["busybox", "redis-cli", "docker", "prometheus", "promtool", "prometheus-alertmanager"];
  const missing = missingPrograms([...programs, "amtool", "prometheus-redis-exporter"]);
  if (missing !== undefined) return missing;
  if (findPostgres("") === undefined) return "not installed: PostgreSQL's server";
  return undefined;
}

/** Makes those that the engine does not have as this file makes them; gives their references. */
export function makeServers(engine: DockerEngine): Readonly<Record<ServerName, string>> {
  const made = (Object.entries(SERVER_IMAGES) as [ServerName, string][]).map(
    ([name, image]) =>
      [name, RECIPE.ensure(engine, image, (reference) => MAKERS[name](engine, reference))] as const,
  );
  return Object.fromEntries(made) as Record<ServerName, string>;
}

/** As the official image's entry point: options alone are the server's. */
const REDIS_ENTRY = `#!/bin/sh
set -e
case "\${1:-}" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
exec "$@"
`;

function redis(engine: DockerEngine, name: string): void {
  const root = debianFolder(engine);
  addUser(root, "redis", 999, "/home/redis");
  putProgram(engine, root, redisBinary(), "usr/local/bin/redis-server");
  putProgram(engine, root, programHere("redis-cli"), "usr/local/bin/redis-cli");
  for (const link of ["redis-sentinel", "redis-check-rdb", "redis-check-aof"])
    symlinkSync("redis-server", join(root, "usr/local/bin", link));
  putText(root, "usr/local/bin/docker-entrypoint.sh", REDIS_ENTRY, 0o755);
  ownFolder(root, "data", 999);
  engine.import(root, name, [
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "WORKDIR /data",
    "VOLUME /data",
    "EXPOSE 6379",
    'ENTRYPOINT ["docker-entrypoint.sh"]',
    'CMD ["redis-server"]',
  ]);
}

/** PostgreSQL of this machine's version; compiled queries and their compiler (150 MB) are left out. */
function postgres(engine: DockerEngine, name: string): void {
  const root = debianFolder(engine);
  addUser(root, "postgres", 999, "/var/lib/postgresql");
  const programs = findPostgres("")?.directory ?? "";
  const libraries = join(programs, "../lib");
  const version = programs.split("/").at(-2) ?? "";
  const server = (file: string) => join(programs, file);
  for (const file of readdirSync(programs)) putProgram(engine, root, server(file), join(programs, file));
  cpSync(libraries, join(root, libraries), {
    recursive: true,
    filter: (path) => !/\/(?:bitcode|pgxs)$|llvmjit/.test(path),
  });
  const modules = readdirSync(join(root, libraries)).map((file) => join(libraries, file));
  engine.copyLibraries(root, modules);
  putFolder(root, `/usr/share/postgresql/${version}`);
  putFolder(root, "/usr/lib/locale/C.utf8");
  putFolder(root, "/usr/share/zoneinfo");
  ownFolder(root, "var/lib/postgresql", 999);
  ownFolder(root, "var/lib/postgresql/data", 999, 0o1777);
  ownFolder(root, "var/run/postgresql", 999, 0o3777);
  engine.import(root, name, [
    `ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${programs}`,
    `ENV PG_MAJOR=${version}`,
    "ENV LANG=C.UTF-8",
    "ENV PGDATA=/var/lib/postgresql/data",
    "VOLUME /var/lib/postgresql/data",
    "EXPOSE 5432",
    'CMD ["postgres"]',
  ]);
}

function prometheus(engine: DockerEngine, name: string): void {
  const root = busyboxFolder(engine);
  addUser(root, "nobody", NOBODY, "/home");
  putProgram(engine, root, programHere("prometheus"), "usr/bin/prometheus");
  putProgram(engine, root, programHere("promtool"), "usr/bin/promtool");
  putFolder(root, "/usr/share/prometheus");
  putText(root, "etc/prometheus/prometheus.yml", "scrape_configs: []\n");
  ownFolder(root, "prometheus", NOBODY);
  engine.import(root, name, [
    "USER nobody",
    "WORKDIR /prometheus",
    "VOLUME /prometheus",
    "EXPOSE 9090",
    'ENTRYPOINT ["/bin/prometheus"]',
    'CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]',
  ]);
}

function alertmanager(engine: DockerEngine, name: string): void {
  const root = busyboxFolder(engine);
  addUser(root, "nobody", NOBODY, "/home");
  putProgram(engine, root, programHere("prometheus-alertmanager"), "usr/bin/alertmanager");
  putProgram(engine, root, programHere("amtool"), "usr/bin/amtool");
  // Debian's looks for its templates there; the official one has them inside.
  putFolder(root, "/usr/share/prometheus/alertmanager");
  putText(
    root,
    "etc/alertmanager/alertmanager.yml",
    "route:\n  receiver: none\nreceivers:\n  - name: none\n",
  );
  ownFolder(root, "alertmanager", NOBODY);
  engine.import(root, name, [
    "USER nobody",
    "WORKDIR /alertmanager",
    "VOLUME /alertmanager",
    "EXPOSE 9093",
    'ENTRYPOINT ["/bin/alertmanager"]',
    'CMD ["--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"]',
  ]);
}

/** The program alone, without a shell, as the official one. */
function redisExporter(engine: DockerEngine, name: string): void {
  const root = engine.rootFolder();
  putProgram(engine, root, programHere("prometheus-redis-exporter"), "redis_exporter");
  putText(root, "etc/nsswitch.conf", "hosts: files dns\n");
  engine.import(root, name, ["USER 59000:59000", "EXPOSE 9121", 'ENTRYPOINT ["/redis_exporter"]']);
}

/** Docker's command line with Compose, at the places of the official image `docker:cli`. */
function dockerCli(engine: DockerEngine, name: string): void {
  const root = busyboxFolder(engine);
  putProgram(engine, root, programHere("docker"), "usr/local/bin/docker");
  putFile(root, composeBinary(), "usr/local/libexec/docker/cli-plugins/docker-compose", 0o755);
  engine.import(root, name, [
    "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    'CMD ["sh"]',
  ]);
}
