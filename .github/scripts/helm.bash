#!/usr/bin/env bash
# Puts Helm 3 or 4, as released, first on the PATH of the steps that follow: .github/scripts/helm.bash 4
# A helm that `go install` builds takes every cluster for one of Kubernetes 1.20, which the charts refuse.
# The environment variable HELM_RELEASES selects another place to download it from.
set -euo pipefail

# renovate: datasource=go depName=helm.sh/helm/v3
HELM_3=v3.21.3
# renovate: datasource=go depName=helm.sh/helm/v4
HELM_4=v4.3.1

case ${1:-} in
  3) version=$HELM_3 ;;
  4) version=$HELM_4 ;;
  *) echo "usage: $0 3|4" >&2 && exit 2 ;;
esac
case $(uname -m) in
  aarch64 | arm64) platform=linux-arm64 ;;
  *) platform=linux-amd64 ;;
esac
archive=helm-$version-$platform.tar.gz
folder=$(mktemp -d)
cd "$folder"
for file in "$archive" "$archive.sha256sum"; do
  curl --fail --silent --show-error --location --retry 3 --remote-name "${HELM_RELEASES:-https://get.helm.sh}/$file"
done
sha256sum --check "$archive.sha256sum"
tar --extract --file "$archive" "$platform/helm"
"$platform/helm" version --short
echo "$folder/$platform" >>"$GITHUB_PATH"
