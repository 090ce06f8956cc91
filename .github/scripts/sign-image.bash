#!/usr/bin/env bash
# Signs the image that docker/bake-action has pushed. METADATA is the output of that action, which has the digest.
set -euo pipefail

digest=$(node --print 'JSON.parse(process.env.METADATA)[process.env.IMAGE]["containerimage.digest"]')
cosign sign --yes "docker.io/$DOCKERHUB_USERNAME/f2c-$IMAGE@$digest"
