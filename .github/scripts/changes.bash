#!/usr/bin/env bash
# Tells ci.yaml which of its jobs a pull request needs, as a JSON list: those whose result a changed file can change. What
# it does not know about needs all of them, and so does what is not a pull request. Lint and unit tests always run.
set -euo pipefail

all='function python workflows charts images e2e helm4 compare'
jobs=''
if [[ $GITHUB_EVENT_NAME == pull_request ]]; then
  # The checkout is what a merge would give. Its first parent is the branch to merge into.
  changed=$(git diff --name-only --no-renames HEAD^1 HEAD)
  while read -r file; do
    case $file in
      '') ;;
      chart/README.md* | */chart/README.md*) jobs+=' charts' ;;
      *.md | *.pdf | LICENSE | .editorconfig | renovate.json) ;;
      .github/CODEOWNERS | .github/ISSUE_TEMPLATE/*) ;;
      */Dockerfile) jobs+=' workflows images e2e helm4 compare' ;;
      chart/* | */chart/*) jobs+=' charts e2e helm4 compare' ;;
      function/* | .gcloudignore | .funcignore | project.toml) jobs+=' function images e2e helm4 compare' ;;
      model/* | tfserving/*) jobs+=' python images e2e helm4 compare' ;;
      # Tests of the load generator hold its questions against these, and its benchmark asks the bare server.
      compare/servers/* | compare/programs/*) jobs+=' python e2e helm4 compare' ;;
      compare/* | lib/*) jobs+=' e2e helm4 compare' ;;
      loadtest/*) jobs+=' python images e2e helm4 compare' ;;
      # Tests of the load generator read what results/files.ts says of its files.
      results/*) jobs+=' python e2e compare' ;;
      *) jobs+=" $all" ;;
    esac
  done <<<"$changed"
else
  jobs=$all
fi
# shellcheck disable=SC2086 # each word is a job
list=$(jq --null-input --compact-output '$ARGS.positional | unique' --args $jobs)
echo "jobs=$list" | tee -a "$GITHUB_OUTPUT"
