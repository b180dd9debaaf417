#!/bin/sh
# vibeguard hook git: made by `vibeguard hook git --write`, which may replace this file.
#
# What is pushed must have passed: a run counts for a commit if it began and ended on exactly the
# tree of that commit. A run that is still going on is waited for; where there is none and the
# commit is what is checked out, it is run now. Skip it once with `git push --no-verify`.
@FIND@
# git says on stdin what is pushed: local ref, local commit, remote ref, remote commit.
while read -r _ commit _ _; do
    case $commit in
    *[!0]*) ;;
    *) continue ;; # all zeros: a branch is deleted
    esac
    tree=$(git rev-parse --verify --quiet "$commit^{tree}") || continue # a tag of something else
    vibeguard hook verdict "$tree" </dev/null
    code=$?
    head=$(git rev-parse --verify --quiet "HEAD^{tree}")
    if [ $code -eq 3 ] && [ "$tree" = "$head" ] && [ -z "$(git status --porcelain)" ]; then
        vibeguard run --supersede --record-tree </dev/null
        code=$?
    fi
    [ $code -eq 0 ] || exit $code
done
exit 0
