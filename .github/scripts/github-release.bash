#!/usr/bin/env bash
# Creates the GitHub release for the current tag, with notes, charts and the digests of the base images. If a report is
# published, the release has it too.
set -euo pipefail

notes=$(npm run --silent notes -- "$GITHUB_REF_NAME")
gh run download "$GITHUB_RUN_ID" --pattern 'release-*' --dir dist/release
assets=(dist/release/*/*)
[[ ! -f results/report.pdf ]] || assets+=(results/report.pdf)
options=(--verify-tag --title "$GITHUB_REF_NAME" --notes "$notes")
[[ $GITHUB_REF_NAME != *-* ]] || options+=(--prerelease)
gh release create "$GITHUB_REF_NAME" "${options[@]}" "${assets[@]}"
