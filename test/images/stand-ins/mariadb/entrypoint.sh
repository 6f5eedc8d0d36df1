#!/bin/bash
# MARIADB_ROOT_PASSWORD, MARIADB_USER, MARIADB_PASSWORD and MARIADB_DATABASE (or MYSQL_...), and the passwords as
# MARIADB_..._FILE, as the official image has them; what follows `mariadbd` goes to the server.
set -euo pipefail
data=/var/lib/mysql
[ "${1:-mariadbd}" = mariadbd ] || exec "$@"
# Here, while it is root: the file may be for nobody else.
for name in MARIADB_ROOT_PASSWORD MARIADB_PASSWORD; do
  file=${name}_FILE
  [ -n "${!file:-}" ] || continue
  password=$(cat "${!file}")
  export "$name=$password"
  unset "$file"
done
root_password=${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-}}
user=${MARIADB_USER:-${MYSQL_USER:-}}
password=${MARIADB_PASSWORD:-${MYSQL_PASSWORD:-}}
database=${MARIADB_DATABASE:-${MYSQL_DATABASE:-}}

if [ "$EUID" = 0 ]; then
  mkdir -p $data /run/mysqld
  chown -R mysql:mysql $data /run/mysqld
  exec setpriv --reuid=mysql --regid=mysql --init-groups -- "$0" "$@"
fi

if [ ! -d $data/mysql ]; then
  mariadb-install-db --datadir=$data --skip-test-db --auth-root-authentication-method=normal >/dev/null
  {
    # The accounts that it makes of its own accord have no password.
    echo "DELETE FROM mysql.global_priv WHERE User = '' OR User = 'root' AND Host <> 'localhost';"
    echo "FLUSH PRIVILEGES;"
    echo "ALTER USER root@localhost IDENTIFIED BY '$root_password';"
    echo "CREATE USER root@'%' IDENTIFIED BY '$root_password';"
    echo "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
    [ -z "$database" ] || echo "CREATE DATABASE \`$database\`;"
    [ -z "$user" ] || echo "CREATE USER '$user'@'%' IDENTIFIED BY '$password'; GRANT ALL ON \`${database:-%}\`.* TO '$user'@'%';"
  } | mariadbd --bootstrap --datadir=$data 2>/tmp/bootstrap.log || { cat /tmp/bootstrap.log >&2; exit 1; }
fi
exec mariadbd --datadir=$data --bind-address=0.0.0.0 --skip-name-resolve --innodb-flush-log-at-trx-commit=0 "${@:2}"
