#!/usr/bin/env bash
# Gets a new cluster of kind ready for `npm run e2e` and `npm run compare`: a metrics API, without which nothing scales,
# and the three images.
set -euo pipefail

# renovate: datasource=github-releases depName=kubernetes-sigs/metrics-server
METRICS_SERVER=v0.9.0

version=$(npm pkg get version | tr -d '"')
kind load docker-image "f2c-function:$version" "f2c-tfserving:$version" "f2c-loadtest:$version"

kubectl apply --filename \
  "https://github.com/kubernetes-sigs/metrics-server/releases/download/$METRICS_SERVER/components.yaml"
# The certificates that kind's kubelet makes itself are to be trusted.
kubectl patch deployment metrics-server --namespace kube-system --type json --patch \
  '[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--kubelet-insecure-tls"}]'
kubectl wait apiservice/v1beta1.metrics.k8s.io --for condition=Available --timeout 3m
