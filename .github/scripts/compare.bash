#!/usr/bin/env bash
# Runs `npm run compare` with the options given, and makes the report of what it measured, in dist/comparison/. A shared
# machine is a bad one to measure on: loads that are INVALID are said, and are no failure.
set -euo pipefail

status=0
folder=$(npm run --silent compare -- --results dist/comparison "$@") || status=$?
case $status in
  0) ;;
  3) echo '::notice title=Some loads are INVALID::The report tells which, and why. On a shared runner that is to be expected.' ;;
  *) exit "$status" ;;
esac
npm run report -- "$folder"
