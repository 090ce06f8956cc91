#!/usr/bin/env bash
# Tells the release workflow whether there is an account to publish to. Forks have none.
set -euo pipefail

if [[ -n ${DOCKERHUB_USERNAME:-} && -n ${DOCKERHUB_TOKEN:-} ]]; then
  echo 'publish=true' >>"$GITHUB_OUTPUT"
else
  echo 'publish=false' >>"$GITHUB_OUTPUT"
  echo '::notice title=Nothing is published::The secrets DOCKERHUB_USERNAME and DOCKERHUB_TOKEN are not both set.'
fi
