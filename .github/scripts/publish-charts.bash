#!/usr/bin/env bash
# Packages the charts from a tag or from main, pushes them to Docker Hub, and signs them.
set -euo pipefail

if [[ $GITHUB_REF_TYPE == tag ]]; then
  chart_version=${GITHUB_REF_NAME#v}
  image_tag=$chart_version
else
  chart_version=0.0.0-edge
  image_tag=sha-${GITHUB_SHA::7}
fi
npm run package:charts -- --registry "docker.io/$DOCKERHUB_USERNAME" \
  --chart-version "$chart_version" --image-tag "$image_tag"

helm registry login registry-1.docker.io --username "$DOCKERHUB_USERNAME" --password-stdin <<<"$DOCKERHUB_TOKEN"
for package in dist/charts/*.tgz; do
  # helm prints the digest of what it pushed on standard error.
  pushed=$(helm push "$package" "oci://registry-1.docker.io/$DOCKERHUB_USERNAME" 2>&1)
  echo "$pushed"
  digest=$(sed -n 's/^Digest: //p' <<<"$pushed")
  name=$(basename "$package" "-$chart_version.tgz")
  cosign sign --yes "docker.io/$DOCKERHUB_USERNAME/$name@${digest:?helm push gave no digest}"
done
