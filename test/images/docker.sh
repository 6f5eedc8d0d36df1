# The engine: one that is there, or Debian's from a folder of this checkout.

docker_folder=$top/.tools/docker
# Of this checkout alone. In /run, because a socket's path may have 107 characters, and a checkout's can be longer.
docker_number=$(($(cksum <<<"$top" | cut -d ' ' -f 1) % 250))
docker_run=/run/rcdump-docker-$docker_number
docker_bridge=rcdump$docker_number
docker_data=$docker_folder/data
docker_log=$docker_folder/dockerd.log
docker_plugins=$docker_folder/config/cli-plugins

# docker_works: a docker with buildx and compose that reaches an engine, the caller's or the one that was started here.
docker_works() {
  engine_answers && plugins_there && return
  docker_unpacked || return
  docker_use_ours
  engine_answers
}

plugins_there() { docker buildx version >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }

# What is unpacked last is there.
docker_unpacked() { [ -x "$docker_plugins/docker-compose" ]; }

engine_answers() { docker version >/dev/null 2>&1; }

docker_use_ours() {
  export DOCKER_HOST=unix://$docker_run/docker.sock DOCKER_CONFIG=$docker_folder/config
  PATH=$docker_folder/bin:$PATH
  ours=yes
}

docker_start() {
  [ "$EUID" = 0 ] || can_be_root || fail "the container tests need Docker with buildx and compose: install it and start it, or run this as root"
  has_apt || fail "the container tests need Docker with buildx and compose: install it and start it"
  docker_unpacked || docker_unpack
  docker_use_ours
  engine_answers || dockerd_start
}

# Debian's own engine: bookworm's is too old for named contexts. runc and iptables are the system's.
docker_unpack() {
  local package root=$docker_folder/root
  local -a missing=()
  while read -r program package; do
    command -v "$program" >/dev/null || missing+=("$package")
  done <<<"runc runc
iptables iptables
ip iproute2
mmdebstrap mmdebstrap"
  [ ${#missing[@]} = 0 ] || packages_install "${missing[@]}"
  mkdir -p .tools/docker/bin "$docker_plugins"
  suites_choose
  for package in docker.io containerd docker-cli; do
    say "$package from $suite_stable"
    suites_fetch $package "$suite_stable" "$root"
  done
  for package in docker-buildx docker-compose; do
    say "$package from $suite_newest"
    suites_fetch $package "$suite_newest" "$root"
  done
  suites_forget
  ln -sfn ../root/usr/bin/docker "$docker_folder/bin/docker"
  cp "$root"/usr/libexec/docker/cli-plugins/docker-{buildx,compose} "$docker_plugins"
}

dockerd_start() {
  local address=10.213.$docker_number device mtu
  # Its own bridge, so that it is in nobody's way; networks of the tests come out of the pool. Packets must fit what
  # this machine's own device takes.
  device=$(ip -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
  mtu=$(cat "/sys/class/net/${device:-lo}/mtu")
  if ! ip link show "$docker_bridge" >/dev/null 2>&1; then
    as_root ip link add "$docker_bridge" type bridge
    as_root ip address add "$address.1/24" dev "$docker_bridge"
    as_root ip link set "$docker_bridge" up
  fi
  dockerd_run --bridge "$docker_bridge" --mtu "$((mtu < 1500 ? mtu : 1500))" \
    --default-address-pool "base=10.214.$docker_number.0/24,size=28"
}

# dockerd_run OPTION...: starts it, and waits until it answers.
dockerd_run() {
  say "container engine"
  as_root mkdir -p "$docker_run"
  # Not this script's child, and with none of its files open: it stays when the script has ended.
  as_root env PATH="$docker_folder/root/usr/sbin:$docker_folder/root/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    setsid --fork dockerd \
    --data-root "$docker_data" --exec-root "$docker_run/exec" --pidfile "$docker_run/dockerd.pid" \
    --host "$DOCKER_HOST" --group "$(id -gn)" "$@" >"$docker_log" 2>&1 </dev/null 3>&-
  for _ in $(seq 120); do
    engine_answers && return
    sleep 0.5
  done
  tail -n 15 "$docker_log" >&2
  fail "the container engine did not start (its log: $docker_log)"
}

docker_stop() {
  local pid
  [ -e "$docker_run/dockerd.pid" ] || return 0
  pid=$(cat "$docker_run/dockerd.pid")
  as_root kill "$pid" 2>/dev/null || return 0
  while [ -e "/proc/$pid" ]; do sleep 0.1; done
  if ip link show "$docker_bridge" >/dev/null 2>&1; then as_root ip link delete "$docker_bridge"; fi
  # The engine leaves the name of its network namespace mounted.
  if [ -e "$docker_run/exec/netns/default" ]; then as_root umount "$docker_run/exec/netns/default" 2>/dev/null || :; fi
  as_root rm -rf "$docker_run"
}

# docker_exports: what the caller sets to use the engine and the images.
docker_exports() {
  if [ "${ours-}" = yes ]; then
    printf 'export DOCKER_HOST=%q DOCKER_CONFIG=%q PATH=%q:"$PATH"\n' "$DOCKER_HOST" "$DOCKER_CONFIG" "$docker_folder/bin"
  fi
  stand_ins_exports
}
