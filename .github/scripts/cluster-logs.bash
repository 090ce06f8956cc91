#!/usr/bin/env bash
# Collects what the cluster of kind named f2c has logged, in dist/cluster-logs/.
set -euo pipefail

kind export logs dist/cluster-logs --name f2c
kubectl get events --all-namespaces --sort-by .lastTimestamp >dist/cluster-logs/events.txt
