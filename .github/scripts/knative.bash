#!/usr/bin/env bash
# Installs Knative Serving, with Kourier as its ingress, on the cluster of kind named f2c. Loads the function's image under
# a name that Knative asks no registry for.
set -euo pipefail

# renovate: datasource=github-releases depName=knative/serving
SERVING=knative-v1.21.0
# renovate: datasource=github-releases depName=knative-extensions/net-kourier
KOURIER=knative-v1.21.0

serving=https://github.com/knative/serving/releases/download/$SERVING
kubectl apply --filename "$serving/serving-crds.yaml"
kubectl wait --for condition=Established --timeout 1m --filename "$serving/serving-crds.yaml"
kubectl apply --filename "$serving/serving-core.yaml"
kubectl apply --filename "https://github.com/knative-extensions/net-kourier/releases/download/$KOURIER/kourier.yaml"
# The webhook must be there to admit the patches.
kubectl wait --namespace knative-serving deployment --all --for condition=Available --timeout 5m
kubectl patch configmap/config-network --namespace knative-serving --type merge \
  --patch '{"data":{"ingress-class":"kourier.ingress.networking.knative.dev"}}'
kubectl patch configmap/config-domain --namespace knative-serving --type merge --patch '{"data":{"knative.test":""}}'
kubectl wait --namespace kourier-system deployment --all --for condition=Available --timeout 5m

version=$(npm pkg get version | tr -d '"')
docker tag "f2c-function:$version" "dev.local/f2c-function:$version"
kind load docker-image "dev.local/f2c-function:$version" --name f2c
