#!/bin/sh
set -eu
umask 077
server=$(command -v postgres || ls -d /usr/lib/postgresql/*/bin/postgres | tail -n 1)
programs=${server%/*}
if [ "${1:-}" = health ]; then
  exec "$programs/pg_isready" -q -h 127.0.0.1 -p 5432
fi
serve='set -eu
folder=$1 programs=$2
shift 2
cd "$folder"
IFS= read -r password <&3 || [ -n "$password" ]
exec 3<&-
sum=$(printf %s "$password" | sha256sum)
if [ ! -d data ]; then
  rm -rf data.new
  printf "%s\n" "$password" | "$programs/initdb" -D data.new -U taskfleet_admin --pwfile=/dev/stdin \
    --auth=scram-sha-256 -E UTF8 --locale=C.UTF-8 -k --no-instructions
  mv data.new data
elif [ "$sum" != "$(cat password.sha256 2>/dev/null)" ]; then
  printf "ALTER ROLE taskfleet_admin PASSWORD '\''%s'\''\n" "$(printf %s "$password" | sed "s/'\''/'\'''\''/g")" |
    "$programs/postgres" --single -D data -c unix_socket_directories= -c exit_on_error=on \
      -c log_min_error_statement=panic postgres >/dev/null
fi
printf "%s\n" "$sum" >password.sha256
exec "$programs/postgres" -D data "$@"'
exec 3<'/run/secrets/postgres-admin-password'
exec sh -c "$serve" postgres-start '/var/lib/postgresql/data' "$programs" '-c' 'port=5432' '-c' 'listen_addresses=0.0.0.0' '-c' 'unix_socket_directories=' '-c' 'password_encryption=scram-sha-256' '-c' 'max_connections=100' '-c' 'shared_buffers=128MB' '-c' 'fsync=on' '-c' 'synchronous_commit=on' '-c' 'log_destination=stderr' '-c' 'logging_collector=off' '-c' 'hba_file=/etc/taskfleet/pg_hba.conf'
