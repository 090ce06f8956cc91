# `docker buildx bake --file .github/docker-bake.hcl --load` builds all three images for your machine, with the names
# that the README, the charts and the tests use.

# `npm version` keeps this equal to the version in package.json.
variable "VERSION" {
  default = "0.1.0"
}

variable "REVISION" {
  default = "unknown"
}

# CI sets this to the architecture of its runner: GitHub keeps the layers of earlier builds, for each architecture its own.
variable "CACHE" {
  default = ""
}

variable "WRITE_CACHE" {
  default = false
}

group "default" {
  targets = ["function", "tfserving", "loadtest"]
}

target "image" {
  name       = image
  matrix     = { image = ["function", "tfserving", "loadtest"] }
  dockerfile = "${image}/Dockerfile"
  args       = { VERSION = VERSION, REVISION = REVISION }
  tags       = ["f2c-${image}", "f2c-${image}:${VERSION}"]
  cache-from = CACHE != "" ? ["type=gha,scope=${image}-${CACHE}"] : []
  cache-to   = WRITE_CACHE ? ["type=gha,scope=${image}-${CACHE},mode=max"] : []
}
