# Programs of a certain version, in .tools/bin: a link to the system's own where that is good enough, else
# from a newer suite of the machine's own distribution, unpacked into .tools/root and not installed.

# "name least-version": what has to be in .tools/bin.
tools_needs="
rclone 1.70
rclone-1.60 1.60
age 1.3
age-keygen 1.3
age-plugin-batchpass 1.3
age-plugin-pq 1.3
rage 0.11
rage-keygen 0.11
moto_server 5
swift_server 2
azurite-blob 3.36
"

# The newest that can be installed by npm as it is.
azurite_version=3.36.0

tools_complete() {
  local name version
  while read -r name version; do
    [ -z "$name" ] || [ -x ".tools/bin/$name" ] || return 1
  done <<<"$tools_needs"
}

tools_missing() {
  local name version
  while read -r name version; do
    [ -z "$name" ] || [ -x ".tools/bin/$name" ] || printf '%s ' "$name"
  done <<<"$tools_needs"
}

# tools_wanted: for people, what is missing and from which version on.
tools_wanted() {
  local name version
  while read -r name version; do
    [ -z "$name" ] || [ -x ".tools/bin/$name" ] || printf '%s (>= %s), ' "$name" "$version"
  done <<<"$tools_needs" | sed 's/, $//'
}

tools_install() {
  local name version
  while read -r name version; do
    [ -z "$name" ] || [ -x ".tools/bin/$name" ] || adopt "$name" "$version"
  done <<<"$tools_needs"
  [ -x .tools/bin/azurite-blob ] || azurite_install
  tools_complete && return

  has_apt || fail "these are missing, and cannot be installed here without apt: $(tools_wanted)"
  suites_choose
  [ -x .tools/bin/rclone ] || unpack rclone "$suite_newest" rclone
  [ -x .tools/bin/rclone-1.60 ] || unpack rclone "$suite_stable" rclone-1.60=rclone
  have_tools age age-keygen age-plugin-batchpass age-plugin-pq ||
    unpack age "$suite_newest" age age-keygen age-plugin-batchpass age-plugin-pq
  have_tools rage rage-keygen || unpack rage "$suite_newest" rage rage-keygen
  [ -x .tools/bin/moto_server ] || moto_install
  [ -x .tools/bin/swift_server ] || swift_install
  suites_forget
}

have_tools() {
  local name
  for name in "$@"; do [ -x ".tools/bin/$name" ] || return 1; done
}

# adopt NAME LEAST: links the system's NAME into .tools/bin if it is of that version or newer.
# The servers that are run by the system's Python are not looked for: a moto_server on PATH may be anybody's.
adopt() {
  local found
  [[ $1 = *_server ]] && has_apt && return
  found=$(PATH=$system_path type -P "$1" || :)
  [ -n "$found" ] && at_least "$2" "$(version_of "$found")" || return 0
  say "$1: the system's own, $found"
  ln -sfn "$found" ".tools/bin/$1"
}

# version_of PROGRAM: the first version number it tells, or nothing if it does not run.
version_of() {
  { "$1" --version 2>/dev/null || "$1" version 2>/dev/null || :; } | grep -oEm 1 '[0-9]+(\.[0-9]+)+' | head -n 1
}

# has_libraries PROGRAM: whether this machine's libc and libraries are new enough for it.
has_libraries() { ! ldd "$1" 2>&1 | grep -q 'not found'; }

# unpack PACKAGE SUITE NAME...: puts the package's programs into .tools/bin; NAME may be LINK=PROGRAM.
unpack() {
  local package=$1 suite=$2 root=.tools/root/$1-$2 name link program
  shift 2
  say "$package from $suite"
  suites_fetch "$package" "$suite" "$root"
  for name in "$@"; do
    link=${name%%=*} program=$root/usr/bin/${name#*=}
    [ -x "$program" ] || fail "$package in $suite has no $(basename "$program"); put one of these on PATH: $(tools_wanted)"
    if has_libraries "$program"; then
      ln -sfn "../../$program" ".tools/bin/$link"
    else
      wrap "$program" "$suite" ".tools/bin/$link"
    fi
  done
}

# wrap PROGRAM SUITE LINK: for a program made for a newer libc than this machine's: LINK runs it by the
# loader and the libraries of its own suite.
wrap() {
  local root=.tools/root/libc-$2 loader
  if ! [ -d "$root" ]; then
    suites_fetch libc6 "$2" "$root"
    suites_fetch libgcc-s1 "$2" "$root"
  fi
  loader=$(find "$root" -name 'ld-linux*.so.*' -type f | head -n 1)
  rm -f "$3"
  cat >"$3" <<END
#!/bin/sh
# $(basename "$1") needs a newer libc than this machine has: run it by the loader of its own suite.
top=\${0%/*}/../..
exec "\$top/$loader" --library-path "\$top/$(dirname "$loader")" "\$top/$1" "\$@"
END
  chmod +x "$3"
  [ -n "$(version_of "$3")" ] || fail "$3 does not run here: $("$3" --version 2>&1 | head -n 1)"
}

# moto_packages: what to install for the S3 server of the tests.
moto_packages() {
  if moto_is_packaged; then echo python3-moto; else echo python3 "$moto_modules"; fi
}

moto_is_packaged() { [ -n "$(apt-cache show python3-moto 2>/dev/null)" ]; }

moto_install() {
  local root=.tools/root/python3-moto-$suite_stable package
  local -a packages missing=()
  read -ra packages <<<"$(moto_packages)"
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] || packages_install "${missing[@]}"
  if ! moto_is_packaged; then
    say "python3-moto from $suite_stable"
    suites_fetch python3-moto "$suite_stable" "$root"
  fi
  cat >.tools/moto_server <<END
#!/bin/sh
# The system's Python by its full name: another one on PATH does not have these modules.
top=\${0%/*}/../..
export PYTHONPATH="\$top/$root/usr/lib/python3/dist-packages"
exec /usr/bin/python3 -W ignore "\$top/test/setup/s3-server.py" "\$@"
END
  chmod +x .tools/moto_server
  logged env PYTHONPATH="$root/usr/lib/python3/dist-packages" /usr/bin/python3 -c 'import moto.server, moto.s3.responses, moto.iam.models'
  mv .tools/moto_server .tools/bin/
}

swift_install() {
  dpkg-query -W -f '${db:Status-Status}' python3-swift 2>/dev/null | grep -qx installed || packages_install python3-swift
  cat >.tools/bin/swift_server <<END
#!/bin/sh
# The system's Python by its full name: another one on PATH does not have these modules.
exec /usr/bin/python3 -W ignore "\${0%/*}/../../test/setup/swift-server.py" "\$@"
END
  chmod +x .tools/bin/swift_server
}

# Not with the other npm packages: it is larger than all of them together, and nobody but the tests of stores needs it.
azurite_install() {
  say "azurite $azurite_version"
  logged npm install --prefix .tools/azurite --no-audit --no-fund --ignore-scripts --omit=optional "azurite@$azurite_version"
  ln -sfn ../azurite/node_modules/.bin/azurite-blob .tools/bin/azurite-blob
}
