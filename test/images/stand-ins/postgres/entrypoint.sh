#!/bin/bash
# POSTGRES_USER, POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, POSTGRES_DB and /docker-entrypoint-initdb.d, as the official
# image has them; what follows `postgres` goes to the server.
set -euo pipefail
: "${POSTGRES_USER:=postgres}" "${POSTGRES_DB:=$POSTGRES_USER}" "${POSTGRES_PASSWORD:=}"
[ "${1:-postgres}" = postgres ] || exec "$@"
# Here, while it is root: the file may be for nobody else.
if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
  POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
  export POSTGRES_PASSWORD
  unset POSTGRES_PASSWORD_FILE
fi

if [ "$EUID" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chown -R postgres:postgres "$PGDATA" /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth=scram-sha-256 --auth-local=trust \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  export PGHOST=/tmp PGUSER=$POSTGRES_USER
  # No port is open before everything is there, so that who can connect finds it.
  pg_ctl --options="-c listen_addresses='' -c unix_socket_directories=/tmp" --wait start >/dev/null
  [ "$POSTGRES_DB" = postgres ] || createdb "$POSTGRES_DB"
  for file in /docker-entrypoint-initdb.d/*; do
    case $file in
      *.sql) psql --dbname="$POSTGRES_DB" --set=ON_ERROR_STOP=1 --quiet --file="$file" ;;
      *.sh) . "$file" ;;
    esac
  done
  pg_ctl --mode=fast --wait stop >/dev/null
fi
exec postgres -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql -c fsync=off "${@:2}"
