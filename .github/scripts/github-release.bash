#!/usr/bin/env bash
# Makes the release on GitHub of the tag that this runs on: notes, charts, digests of the base images, and the report
# where one is published.
set -euo pipefail

notes=$(npm run --silent notes -- "$GITHUB_REF_NAME")
gh run download "$GITHUB_RUN_ID" --pattern 'release-*' --dir dist/release
assets=(dist/release/*/*)
[[ ! -f results/report.pdf ]] || assets+=(results/report.pdf)
options=(--verify-tag --title "$GITHUB_REF_NAME" --notes "$notes")
[[ $GITHUB_REF_NAME != *-* ]] || options+=(--prerelease)
gh release create "$GITHUB_REF_NAME" "${options[@]}" "${assets[@]}"
