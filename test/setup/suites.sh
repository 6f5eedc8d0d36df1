# Packages from other suites of the machine's own distribution, by an apt configuration of its own: the
# machine's is read and never written.

# suites_choose [ARCHITECTURE]: sets suite_newest (where the newest versions are) and suite_stable (rclone 1.60 and moto),
# and fetches their package lists, of another architecture as well if one is named.
suites_choose() {
  local id codename components uri keyring
  id=$(. /etc/os-release && echo "$ID")
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
  case $id in
    debian) suite_newest=sid suite_stable=trixie components=main ;;
    ubuntu) suite_newest=devel suite_stable=noble components='main universe' ;;
    *) fail "newer versions are fetched on Debian and Ubuntu only; put these on PATH: $(tools_wanted)" ;;
  esac
  # apt itself reads its sources here, in whatever format they are. The suites named with a hyphen
  # (trixie-updates, trixie-security) can be at other addresses.
  uri=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    awk -v "name=$codename" '$1 ~ "^(" name "|stable|oldstable|testing|unstable|sid)$" { print $2; exit }')
  [ -n "$uri" ] || fail "found no $id mirror in apt's sources; put these on PATH: $(tools_wanted)"

  mkdir -p .tools/apt/{lists/partial,cache/archives/partial,deb}
  keyring=/usr/share/keyrings/$id-archive-keyring.gpg
  {
    printf 'Types: deb\nURIs: %s\nSuites: %s %s\nComponents: %s\n' \
      "$uri" "$suite_stable" "$suite_newest" "$components"
    echo "Architectures: $(dpkg --print-architecture) ${1-}"
    if [ -e "$keyring" ]; then echo "Signed-By: $keyring"; fi
  } >.tools/apt/suites.sources
  say "package lists of $suite_stable and $suite_newest"
  logged suites_apt update
}

# A mirror may hold a snapshot of a moving suite that is past its date; signatures are checked all the same.
suites_apt() {
  apt-get -q -o Dir::Etc::sourcelist="$top/.tools/apt/suites.sources" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$top/.tools/apt/lists" -o Dir::Cache="$top/.tools/apt/cache" \
    -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}

# suites_fetch PACKAGE SUITE FOLDER: unpacks it there; nothing is installed, no script of it is run.
# PACKAGE:ARCHITECTURE is of another architecture, which suites_choose has been told.
suites_fetch() {
  rm -f .tools/apt/deb/*.deb
  (cd .tools/apt/deb && logged suites_apt download "$1/$2")
  mkdir -p "$3"
  logged dpkg -x .tools/apt/deb/*.deb "$3"
  rm -f .tools/apt/deb/*.deb
}

# suites_forget: removes the package lists, which are large and soon out of date.
suites_forget() { rm -rf .tools/apt; }
