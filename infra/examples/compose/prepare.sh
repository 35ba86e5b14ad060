#!/bin/sh
# Makes this project ready for this host. Run it again after an edit, or for another image: passwords stay.
set -eu
cd "$(dirname "$0")"
umask 077

random() { head -c 32 /dev/urandom | base64 | tr -d '=\n' | tr '/+' '_-'; }

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
  { grep -v "^$1=" .env || true; printf "%s='%s'\n" "$1" "$2"; } >.env.new
  chmod 0644 .env.new
  mv -f .env.new .env
}

for name in '{{redis.password}}' '{{api.key}}' '{{grafana.password}}' '{{postgres.admin-password}}' '{{postgres.migrate-password}}' '{{postgres.app-password}}' '{{postgres.backup-password}}'; do
  fill "$name" "$(random)"
done
fill '{{redis.password-hash}}' "$(printf %s "$(cat secrets/redis-password)" | sha256sum | cut -d ' ' -f 1)"
# Containers of other users read the files through mounts; the folder keeps this host's other users out.
chmod 0444 secrets/*
chmod 0700 secrets
chmod 0755 .
for path in compose.yaml redis postgres observability; do [ ! -e "$path" ] || chmod -R a+rX "$path"; done

socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
socket=${socket#unix://}
set_variable TASKFLEET_PROJECT_DIRECTORY "$PWD"
set_variable TASKFLEET_DOCKER_SOCKET "$socket"
set_variable TASKFLEET_DOCKER_GROUP "$(stat -Lc %g "$socket")"
image=$(sed -n "s/^TASKFLEET_IMAGE='*\([^']*\)'*$/\1/p" .env)
set_variable TASKFLEET_IMAGE_TAG "$(docker image inspect --format '{{.Id}}' "$image")"

left=$(grep -rlE '[{][{][a-z.-]+[}][}]' secrets redis || true)
[ -z "$left" ] || { echo "to be filled in by hand:" $left >&2; exit 1; }
echo "ready: docker compose up -d"
