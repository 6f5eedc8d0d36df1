# The images that the container tests need: pulled, or where no registry can be reached made here, under the same names.

stand_ins=$top/test/images/stand-ins
# What is unpacked or built for them.
stand_ins_folder=.tools/stand-ins

# The servers that tests back up, and what their own test images are made from.
pulled_images="debian:trixie-slim postgres:17 postgres:15 mariadb:11.8"
# What the stand-ins of docker-bake.hcl's base images are called: a digest cannot be imitated.
node_stand_in=node:26-trixie-slim
rclone_stand_in=rclone/rclone:1.75.2

have_images() {
  local image
  for image in "$@"; do docker image inspect "$image" >/dev/null 2>&1 || return 1; done
}

# The base images are bake's own to pull, so only their stand-ins show that they were made here.
stand_ins_used() { have_images "$node_stand_in" "$rclone_stand_in"; }

# shellcheck disable=SC2086 # a list of words
stand_ins_needed() { ! have_images $pulled_images || { [ -e "$stand_ins_folder" ] && ! stand_ins_used; }; }

stand_ins_make() {
  local image
  if ! stand_ins_used && ! [ -e "$stand_ins_folder" ]; then
    for image in $pulled_images; do
      say "pulling $image"
      docker pull -q "$image" >>"$log" 2>&1 || break
    done
    # shellcheck disable=SC2086
    have_images $pulled_images && return
    say "no registry: making stand-ins of the images from the distribution's packages and npm"
  fi
  test/setup/install
  mkdir -p "$stand_ins_folder"
  stand_in_debian trixie
  stand_in_node trixie "$node_stand_in"
  have_images "$rclone_stand_in" || logged docker buildx build -q -t "$rclone_stand_in" -f "$stand_ins/rclone.Dockerfile" \
    "$(dirname "$(readlink -f .tools/bin/rclone)")"
  stand_in_server postgres:17 trixie
  stand_in_server mariadb:11.8 trixie
  stand_in_debian bookworm
  stand_in_server postgres:15 bookworm
}

# stand_in_debian SUITE: debian:SUITE-slim.
stand_in_debian() {
  local image=debian:$1-slim tar=$stand_ins_folder/debian-$1.tar
  have_images "$image" && return
  say "$image"
  debian_tar "$1" "$(dpkg --print-architecture)" "$tar"
  logged docker import --change 'CMD ["bash"]' "$tar" "$image"
  rm -f "$tar"
}

# debian_tar SUITE ARCHITECTURE TAR: a root file system as the official images have it.
debian_tar() {
  local suite=$1 mirror
  local -a sources options=()
  # The machine's own mirror, as apt itself reads it.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 -E '/debian/?$')
  mirror=${mirror%/}
  sources=("deb $mirror $suite main")
  case $suite in
    # A mirror may hold a snapshot of a moving suite that is past its date; signatures are checked all the same.
    sid) options+=(--aptopt='Acquire::Check-Valid-Until "false"') ;;
    *) sources+=("deb $mirror $suite-updates main" "deb $mirror-security $suite-security main") ;;
  esac
  logged as_root mmdebstrap --variant=minbase --mode=root --format=tar --architectures="$2" \
    --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --aptopt='Acquire::Languages "none"' "${options[@]}" \
    "$suite" "$3" "${sources[@]}"
}

# stand_in_node SUITE IMAGE: Node of the version that package.json pins, and npm.
stand_in_node() {
  local folder=$stand_ins_folder/node
  have_images "$2" && return
  say "$2"
  node_unpack "$folder" "$(dpkg --print-architecture)"
  logged docker buildx build -q --build-arg "BASE=debian:$1-slim" -t "$2" -f "$stand_ins/node.Dockerfile" "$folder"
}

# node_unpack FOLDER ARCHITECTURE...: npm, and Node's package for each, as node-ARCHITECTURE.
node_unpack() {
  local folder=$1 architecture version
  shift
  version=$(node_modules/.bin/node --print 'require("./package.json").devDependencies.node')
  unpack_from_npm npm@11 "$folder/npm"
  for architecture in "$@"; do
    unpack_from_npm "node-linux-${architecture/#amd64/x64}@$version" "$folder/node-$architecture"
  done
}

# unpack_from_npm PACKAGE FOLDER
unpack_from_npm() {
  local tarball
  mkdir -p "$2"
  tarball=$(cd "$2" && npm pack --silent "$1" 2>>"$log")
  tar -xzf "$2/$tarball" -C "$2" --strip-components=1
  rm "$2/$tarball"
}

# stand_in_server IMAGE SUITE: IMAGE is ENGINE:VERSION, and a folder of that name has its Dockerfile.
stand_in_server() {
  have_images "$1" && return
  say "$1"
  logged docker buildx build -q --build-arg "BASE=debian:$2-slim" --build-arg "VERSION=${1#*:}" -t "$1" "$stand_ins/${1%:*}"
}

# What docker-bake.hcl is to build with in place of its own. PostgreSQL's own packages are not to be had where no
# registry is, so the client is the suite's.
stand_ins_exports() {
  stand_ins_used || return 0
  printf 'export NODE_IMAGE=%q RCLONE_IMAGE=%q POSTGRES_MAJOR=17\n' "$node_stand_in" "$rclone_stand_in"
  # Where TLS is intercepted npm has to trust whom this machine trusts; bake asks before it reads outside the checkout.
  if [ -n "${NODE_EXTRA_CA_CERTS-}" ]; then
    printf 'export CA_FILE=%q BUILDX_BAKE_ENTITLEMENTS_FS=0\n' "$NODE_EXTRA_CA_CERTS"
  fi
}
