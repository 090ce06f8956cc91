#!/usr/bin/env bash
# Opens a pull request with the results of a run of the benchmark workflow. Started again, it finds its branch and its pull
# request.
set -euo pipefail

branch=results-$GITHUB_RUN_ID
gh run download "$GITHUB_RUN_ID" --name comparison --dir dist/comparison
cp -R dist/comparison/. results/
cp dist/comparison/*/report.pdf results/
git switch --create "$branch"
git add results
if git diff --cached --quiet; then
  echo '::notice title=Nothing to publish::The branch has them already.'
  exit
fi
git -c user.name='github-actions[bot]' -c user.email='41898282+github-actions[bot]@users.noreply.github.com' \
  commit --message "Publish what the benchmark measured on kind"
gh auth setup-git
git push --force origin "$branch"
[[ -z $(gh pr list --head "$branch" --json number --jq '.[].number') ]] || exit 0
gh pr create --head "$branch" --title 'Publish what the benchmark measured on kind' \
  --body "Measured by $GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID."
