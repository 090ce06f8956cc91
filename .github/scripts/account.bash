#!/usr/bin/env bash
# Tells the release workflow whether there is an account to publish to. Forks have none. FORK says whether this is one.
set -euo pipefail
# In some locales, a-z has capitals in it.
export LC_ALL=C

if [[ -n ${DOCKERHUB_USERNAME:-} && -n ${DOCKERHUB_TOKEN:-} ]]; then
  # Docker Hub's login also takes the account in capitals, or an e-mail address; the names of images don't.
  if [[ ! $DOCKERHUB_USERNAME =~ ^[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*$ ]]; then
    echo '::error title=Nothing is published::The secret DOCKERHUB_USERNAME is no name that images can have:' \
      'set it to the Docker ID alone, in lowercase letters and digits, without spaces.'
    exit 1
  fi
  echo 'publish=true' >>"$GITHUB_OUTPUT"
  exit
fi
missing='The secrets DOCKERHUB_USERNAME and DOCKERHUB_TOKEN are not both set.'
if [[ $GITHUB_REF_TYPE == tag && ${FORK:-} != true ]]; then
  echo "::error title=Nothing is published::$missing A tag is a release: set them, and run this again."
  exit 1
fi
echo 'publish=false' >>"$GITHUB_OUTPUT"
echo "::notice title=Nothing is published::$missing"
