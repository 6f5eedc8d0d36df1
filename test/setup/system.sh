# What comes from the system's own packages: servers of databases and of stores, clients, the compressors.

# "command package" a line: what has to be found, and the Debian package that has it.
system_needs="
postgres postgresql
initdb postgresql
pg_dump postgresql-client
mariadbd mariadb-server-core
mariadb-install-db mariadb-server-core
mariadb-dump mariadb-client
sshd openssh-server
ssh-keygen openssh-client
vsftpd vsftpd
smbd samba
apache2 apache2-bin
igzip isal
pigz pigz
zstd zstd
setpriv util-linux
systemd-analyze systemd
"

# The modules that test/setup/tools.sh needs to run moto where the system does not package it.
moto_modules="python3-boto3 python3-cryptography python3-flask python3-flask-cors python3-responses python3-xmltodict python3-yaml"

system_complete() {
  local program package
  while read -r program package; do
    [ -z "$program" ] || command -v "$program" >/dev/null || return 1
  done <<<"$system_needs"
}

system_missing() {
  local program package
  while read -r program package; do
    [ -z "$program" ] || command -v "$program" >/dev/null || printf '%s ' "$program"
  done <<<"$system_needs"
}

system_install() {
  local -a packages
  has_apt || fail "cannot install here without apt. Install these programs, then run it again:
  $(system_missing)
  $(tools_wanted)"
  read -ra packages <<<"$(system_packages)"
  packages_install "${packages[@]}"
  search_path
}

packages_install() {
  can_be_root || fail "neither root nor sudo here. Run this as root, then run it again:
  apt-get install --no-install-recommends $*"
  say "system packages: $*"
  without_services apt_install "$@"
}

system_packages() {
  local program package
  {
    while read -r program package; do
      [ -z "$program" ] || command -v "$program" >/dev/null || echo "$package"
    done <<<"$system_needs"
    # Node 26, the S3 server and Swift have needs that no command shows; apt passes over what is there already.
    echo libatomic1 ca-certificates python3-swift
    moto_packages
  } | tr ' ' '\n' | sort -u | xargs
}

apt_install() {
  logged as_root apt-get -q -o DPkg::Lock::Timeout=300 update
  logged as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends --no-upgrade "$@"
}

# without_services COMMAND...: while it runs, packages create no PostgreSQL cluster and start no service.
# Both are switched off by a file of our own, which is removed again; what the machine has set itself stays.
without_services() (
  policy=/usr/sbin/policy-rc.d
  cluster=/etc/postgresql-common/createcluster.d/rcdump-setup.conf
  written=()
  trap '[ ${#written[@]} = 0 ] || as_root rm -f "${written[@]}"' EXIT
  if ! [ -e $policy ]; then
    written+=("$policy")
    printf '#!/bin/sh\n# Put here by rcdump test/setup/install while it installs packages.\nexit 101\n' |
      as_root install -m 755 /dev/stdin $policy
  fi
  written+=("$cluster")
  as_root mkdir -p ${cluster%/*}
  echo 'create_main_cluster = false' | as_root install -m 644 /dev/stdin $cluster

  # A machine that had none of these servers is not to have them after its next start.
  new=()
  command -v sshd >/dev/null || new+=(ssh.service ssh.socket)
  command -v smbd >/dev/null || new+=(smbd.service nmbd.service samba-ad-dc.service)
  command -v vsftpd >/dev/null || new+=(vsftpd.service)
  "$@"
  if [ ${#new[@]} != 0 ] && [ -d /run/systemd/system ]; then
    as_root systemctl disable "${new[@]}" >>"$log" 2>&1 || :
  fi
)
