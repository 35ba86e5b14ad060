import { REFERENCES } from "../references.ts";
import { SECRET, VARIABLE } from "./names.ts";

/** References that a random text takes the place of; the same one wherever it stands. */
const RANDOM = [
  ...[REFERENCES.redisPassword, REFERENCES.apiKey, REFERENCES.grafanaPassword],
  ...[REFERENCES.postgresAdminPassword, REFERENCES.postgresMigratePassword],
  ...[REFERENCES.postgresAppPassword, REFERENCES.postgresBackupPassword],
] as const;

/**
 * A script for `sh` that makes a rendered project ready on the engine's host: random passwords where none are yet, the
 * hash of Redis' one, and in `.env` what only that host knows. Run again, it keeps what is there. It ends with what is
 * left to fill in by hand.
 */
export function prepareScript(): string {
  return `#!/bin/sh
# Makes this project ready for this host. Run it again after an edit, or for another image: passwords stay.
set -eu
cd "$(dirname "$0")"
umask 077

random() { head -c 32 /dev/urandom | base64 | tr -d '=\\n' | tr '/+' '_-'; }

# In every file below secrets/ and redis/: $2 in the place of $1.
fill() {
  for file in secrets/* redis/*; do
    grep -qF "$1" "$file" || continue
    sed "s|$1|$2|g" "$file" >"$file.new"
    chmod 0444 "$file.new"
    mv -f "$file.new" "$file"
  done
}

# In .env: variable $1 has the value $2.
set_variable() {
  { grep -v "^$1=" .env || true; printf "%s='%s'\\n" "$1" "$2"; } >.env.new
  chmod 0644 .env.new
  mv -f .env.new .env
}

for name in ${RANDOM.map((reference) => `'${reference}'`).join(" ")}; do
  fill "$name" "$(random)"
done
fill '${REFERENCES.redisPasswordHash}' "$(printf %s "$(cat secrets/${SECRET.redisPassword})" | sha256sum | cut -d ' ' -f 1)"
# Containers of other users read the files through mounts; the folder keeps this host's other users out.
chmod 0444 secrets/*
chmod 0700 secrets
chmod 0755 .
for path in compose.yaml redis postgres observability; do [ ! -e "$path" ] || chmod -R a+rX "$path"; done

socket=\${DOCKER_HOST:-unix:///var/run/docker.sock}
socket=\${socket#unix://}
set_variable ${VARIABLE.directory} "$PWD"
set_variable ${VARIABLE.socket} "$socket"
set_variable ${VARIABLE.socketGroup} "$(stat -Lc %g "$socket")"
image=$(sed -n "s/^${VARIABLE.image}='*\\([^']*\\)'*$/\\1/p" .env)
set_variable ${VARIABLE.imageTag} "$(docker image inspect --format '{{.Id}}' "$image")"

left=$(grep -rlE '[{][{][a-z.-]+[}][}]' secrets redis || true)
[ -z "$left" ] || { echo "to be filled in by hand:" $left >&2; exit 1; }
echo "ready: docker compose up -d"
`;
}
