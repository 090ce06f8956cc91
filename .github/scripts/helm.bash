#!/usr/bin/env bash
# Puts Helm 3 or 4 first on the PATH of the steps that follow: .github/scripts/helm.bash 4
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
GOBIN=$(mktemp -d)
export GOBIN
go install "helm.sh/helm/v$1/cmd/helm@$version"
"$GOBIN/helm" version --short
echo "$GOBIN" >>"$GITHUB_PATH"
