# The images. `docker buildx bake` builds both for this machine, `docker buildx bake postgres` one of them, and
# `PROD=true REGISTRY=registry.example.com/team/ docker buildx bake all --push` what a release has.

variable "REGISTRY" {
  description = "What comes before the images' names, with its final slash"
  default     = ""
}

variable "PROD" {
  description = "Both platforms, with SBOM and provenance; such images can be pushed, not loaded"
  default     = false
}

variable "VERSION" {
  description = "rcdump's, as in package.json"
  default     = "0.1.0"
}

variable "REVISION" {
  description = "The commit that is built"
  default     = ""
}

variable "SOURCE_DATE_EPOCH" {
  description = "The time that images say they were made at, in seconds; the commit's, so that a build can be repeated"
  default     = null
}

variable "NODE_IMAGE" {
  description = "Debian with Node and npm"
  default     = "node:26.10.0-trixie-slim@sha256:930557a230abacbc3f4fd9b8648abf8f4bee1e17cb72195dcdfb2f709bc85b33"
}

variable "RCLONE_IMAGE" {
  description = "Where rclone is taken from; its tag is in the images' tags"
  default     = "rclone/rclone:1.75.2@sha256:2687085f718d3c628f7fdfb77c52a1d344332aed543110bb88088f2c70d43eb5"
}

variable "POSTGRES_MAJOR" {
  description = "The PostgreSQL that the target `postgres` and the tag `latest` are of"
  default     = "18"
}

variable "MARIADB_MAJOR" {
  description = "The MariaDB that NODE_IMAGE's Debian has"
  default     = "11.8"
}

variable "CA_FILE" {
  description = "Certificates that npm is to trust besides its own, where TLS is intercepted"
  default     = ""
}

group "default" {
  targets = ["postgres", "mariadb"]
}

group "postgres" {
  targets = ["postgres-${POSTGRES_MAJOR}"]
}

group "all" {
  targets = ["postgres-14", "postgres-15", "postgres-16", "postgres-17", "postgres-18", "mariadb"]
}

# The tags of an image: of its client's version, and of the newest the version of rcdump and of rclone.
function "tags" {
  params = [name, client, newest]
  result = [
    for tag in concat(
      [client, "${VERSION}-${client}"],
      newest ? ["latest", VERSION, "rclone-v${regex(":([0-9.]+)", RCLONE_IMAGE)[0]}"] : []
    ) : "${REGISTRY}${name}:${tag}"
  ]
}

function "labels" {
  params = [title, description]
  result = {
    "org.opencontainers.image.title"       = title
    "org.opencontainers.image.description" = description
    "org.opencontainers.image.version"     = VERSION
    "org.opencontainers.image.revision"    = REVISION
    "org.opencontainers.image.licenses"    = "Apache-2.0"
    "org.opencontainers.image.base.name"   = "scratch"
  }
}

target "_base" {
  context   = "."
  platforms = PROD ? ["linux/amd64", "linux/arm64"] : null
  args = {
    NODE_IMAGE        = NODE_IMAGE
    RCLONE_IMAGE      = RCLONE_IMAGE
    SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH
  }
  secret = CA_FILE == "" ? [] : ["type=file,id=ca,src=${CA_FILE}"]
}

target "tools" {
  inherits   = ["_base"]
  dockerfile = "images/common/Dockerfile"
  target     = "tools"
}

target "runtime" {
  inherits   = ["_base"]
  dockerfile = "images/common/Dockerfile"
  target     = "runtime"
}

target "_image" {
  inherits = ["_base"]
  contexts = {
    tools   = "target:tools"
    runtime = "target:runtime"
  }
  attest = PROD ? ["type=provenance,mode=max", "type=sbom"] : []
  output = PROD ? [] : ["type=docker"]
}

target "postgres-matrix" {
  name       = "postgres-${major}"
  matrix     = { major = ["14", "15", "16", "17", "18"] }
  inherits   = ["_image"]
  dockerfile = "images/postgres/Dockerfile"
  args       = { POSTGRES_MAJOR = major }
  tags       = tags("rcdump-postgres", major, major == POSTGRES_MAJOR)
  labels     = labels("rcdump-postgres", "Backs up PostgreSQL to any store that rclone knows; with the clients of PostgreSQL ${major}")
}

target "mariadb" {
  inherits   = ["_image"]
  dockerfile = "images/mariadb/Dockerfile"
  args       = { MARIADB_MAJOR = MARIADB_MAJOR }
  tags       = tags("rcdump-mariadb", MARIADB_MAJOR, true)
  labels     = labels("rcdump-mariadb", "Backs up MariaDB and MySQL to any store that rclone knows; with the clients of MariaDB ${MARIADB_MAJOR}")
}
