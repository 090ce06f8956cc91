#!/usr/bin/env bash
# Runs `npm run compare` with the given options, and makes the report from its results, in dist/comparison/.
# Measurements on a shared machine are disturbed, so INVALID loads are reported, but do not count as a failure.
set -euo pipefail

status=0
folder=$(npm run --silent compare -- --results dist/comparison "$@") || status=$?
case $status in
  0) ;;
  3) echo '::notice title=Some loads are INVALID::The report says which ones, and why. On a shared runner this is expected.' ;;
  *) exit "$status" ;;
esac
npm run report -- "$folder"
