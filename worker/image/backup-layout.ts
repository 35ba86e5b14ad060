/**
 * Lays out what the backup image has above PostgreSQL's: `node worker/image/backup-layout.ts --out DIR --worker DIR --node
 * FILE --redis DIR --passwd FILE`. `--worker` is what `layout.ts` made, `--redis` what `portable.sh` made.
 */
import {
  appendFileSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { settle } from "./settle.ts";

/** The image's user, whom `initdb` looks up. */
const USER = 65532;
const STATE = ["var/lib/taskfleet", "var/lib/taskfleet/backups"];

const text = { type: "string" } as const;
const { values } = parseArgs({ options: { out: text, worker: text, node: text, redis: text, passwd: text } });

function given(name: keyof typeof values): string {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is missing`);
  return value;
}

const out = given("out");
const at = (place: string) => {
  mkdirSync(join(out, place, ".."), { recursive: true });
  return join(out, place);
};

cpSync(join(given("worker"), "app"), at("app"), { recursive: true });
symlinkSync("/app/main.mjs", at("usr/local/bin/taskfleet"));
copyFileSync(given("node"), at("nodejs/bin/node"));
cpSync(given("redis"), at("opt/redis"), { recursive: true });
for (const name of readdirSync(at("opt/redis/bin")))
  renameSync(at(`opt/redis/bin/${name}`), at(`usr/local/bin/${name}`));
copyFileSync(given("passwd"), at("etc/passwd"));
appendFileSync(at("etc/passwd"), `nonroot:x:${USER}:${USER}::/tmp:/usr/sbin/nologin\n`);
for (const place of STATE) {
  mkdirSync(at(place), { recursive: true });
  chownSync(at(place), USER, USER);
}
settle(out, (place) =>
  /^\/(?:opt|nodejs|usr\/local\/bin)\/|^\/app\/(?:main\.mjs|taskfleet-sandbox)$/.test(place),
);
