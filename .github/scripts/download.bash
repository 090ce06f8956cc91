#!/usr/bin/env bash
# Downloads what earlier jobs of this run have kept, each artifact into a folder of its name in dist/:
# .github/scripts/download.bash plan 'digest-*'
set -euo pipefail

for pattern; do
  gh run download "$GITHUB_RUN_ID" --pattern "$pattern" --dir dist
done
