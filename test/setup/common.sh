# Shared by the parts of test/setup/install: output, the log, and where programs are looked for.

top=$PWD
log=$top/.tools/install.log

system_path=$PATH

# The same folders, in the same order, as test/setup/environment.ts has them. Again after an installation:
# PostgreSQL comes with a folder of its own.
search_path() {
  local folder postgres=
  for folder in /usr/lib/postgresql/*/bin; do postgres=$folder:$postgres; done
  PATH=$top/.tools/bin:$postgres/usr/local/sbin:/usr/sbin:/sbin:$system_path
}
search_path

say() { printf 'setup: %s\n' "$*" >&2; }

# fail MESSAGE: ends the installation. The lines of MESSAGE after the first say what to do.
fail() {
  say "$@"
  exit 1
}

# logged COMMAND...: runs it with its output in the log; a failure shows the end of that and names the log.
logged() {
  printf '\n$ %s\n' "$*" >>"$log"
  "$@" >>"$log" 2>&1 </dev/null && return
  tail -n 15 "$log" >&2
  fail "failed: $* (all of its output: $log)"
}

has_apt() { command -v apt-get >/dev/null && command -v dpkg >/dev/null; }

as_root() {
  if [ "$EUID" = 0 ]; then "$@"; else sudo "$@"; fi
}

can_be_root() {
  [ "$EUID" = 0 ] && return
  command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }
}

# at_least WANTED VERSION: whether VERSION is WANTED or newer.
at_least() {
  [ -n "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}
