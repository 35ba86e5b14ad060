import { PATHS } from "../paths.ts";
import { shellQuote } from "../shell-quote.ts";

/**
 * `redis-cli` for the stack's server. A call that names a server itself is left alone, and gets the stack's
 * password only when that server is the stack's.
 */
export function redisCliScript(): string {
  return `#!/bin/sh
# The real redis-cli, told where this stack's Redis is.
state=${shellQuote(PATHS.state)}
file=$state/\${TASKFLEET_STACK:-local}/client.env
IFS=:
for folder in $PATH; do
  if [ -x "$folder/redis-cli" ] && [ "$folder" != "$state/bin" ]; then
    real=$folder/redis-cli
    break
  fi
done
unset IFS
if [ -z "\${real:-}" ]; then
  echo "redis-cli: not installed (Debian: apt-get install redis-tools)" >&2
  exit 127
fi
named= host=127.0.0.1 port=6379 other= option=
for word; do
  if [ -n "$option" ]; then
    case $option in
      -h) host=$word ;;
      -p) port=$word ;;
      -u | -s) other=$word ;;
    esac
    option=
    continue
  fi
  case $word in
    -h | -p | -u | -s) named=yes option=$word ;;
    --cluster)
      named=yes other=cluster
      break
      ;;
    # These have a value, which is not the command.
    -[tarindDX] | --user | --pass | --eval | --rdb | --functions-rdb | --pipe-timeout | --show-pushes | \\
      --sni | --cacert | --cacertdir | --cert | --key | --tls-ciphers | --tls-ciphersuites | \\
      --pattern | --quoted-pattern | --count | --cursor | --memkeys-samples | --keystats-samples | --top | \\
      --intrinsic-latency | --lru-test) option=$word ;;
    -*) ;;
    *) break ;;
  esac
done
if [ ! -r "$file" ]; then
  [ -z "$named" ] || exec "$real" "$@"
  echo "redis-cli: stack \${TASKFLEET_STACK:-local} is not up, so its Redis has no address: run ./taskfleet up" >&2
  exit 3
fi
url=$(sed -n 's/^REDIS_URL=//p' "$file")
secret=$(sed -n 's/^REDIS_PASSWORD_FILE=//p' "$file")
password=
[ -z "$secret" ] || [ ! -r "$secret" ] || password=$(cat "$secret")
if [ -n "$named" ] && [ "\${other:-redis://$host:$port}" != "$url" ]; then
  [ "\${REDISCLI_AUTH:-}" != "$password" ] || unset REDISCLI_AUTH
  exec "$real" "$@"
fi
# Of this moment: what the shell has may be of an earlier \`up\`.
if [ -n "$password" ]; then
  REDISCLI_AUTH=$password
  export REDISCLI_AUTH
fi
[ -z "$named" ] || exec "$real" "$@"
case $url in
  redis://*) ;;
  *)
    echo "redis-cli: the Redis of this stack is not one plain server ($url): name the server by -h and -p" >&2
    exit 3
    ;;
esac
address=\${url#*://}
address=\${address##*@}
address=\${address%%/*}
exec "$real" -h "\${address%:*}" -p "\${address##*:}" "$@"
`;
}
