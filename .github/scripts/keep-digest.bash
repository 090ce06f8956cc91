#!/usr/bin/env bash
# Keeps the digest of what docker/bake-action has pushed, for the job that joins the platforms of an image. METADATA is the
# output of that action.
set -euo pipefail

digest=$(jq --raw-output '.[env.IMAGE]["containerimage.digest"] // empty' <<<"$METADATA")
if [[ ! $digest =~ ^sha256:[0-9a-f]{64}$ ]]; then
  echo "::error title=No digest::The build of $IMAGE for $ARCH gave no digest of what it pushed: '$digest'."
  exit 1
fi
mkdir -p dist/digests
echo "$digest" >"dist/digests/f2c-$IMAGE-$ARCH"
