#!/usr/bin/env bash
# The result of a run of ci.yaml, from its context `needs`: fails unless each job succeeded, or no changed file needs it.
set -euo pipefail

jq --raw-output 'to_entries[] | "\(.value.result) \(.key)"' <<<"$NEEDS"
# If the job that tells which jobs are needed failed, the others were left out for that.
jq --exit-status '
  (.changes.outputs.jobs // "[]" | fromjson) as $needed
  | all(to_entries[];
      .value.result == "success" or (.value.result == "skipped" and (.key | IN($needed[]) | not)))
' >/dev/null <<<"$NEEDS" || {
  echo '::error title=CI failed::A job of the list above failed, was cancelled, or did not run although it had to.'
  exit 1
}
