#!/bin/sh
# vibeguard hook git: made by `vibeguard hook git --write`, which may replace this file.
#
# What is pushed must have passed: a run counts for a commit if it began and ended on exactly the
# tree of that commit. A run that is still going on is waited for; where there is none and the
# commit is what is checked out, it is run now. Skip it once with `git push --no-verify`.
@FIND@
@PLACE@# Why there is no verdict for a commit, and what to do: its tree, that of HEAD, the commit.
explain() {
    if [ "$1" = "$2" ]; then
        echo "vibeguard: these files are not as the commit has them, so no run of what is here speaks for it:"
        git status --short | head -n 10
        echo "vibeguard: commit them, put them away (git stash -u) or ignore them, and push again"
    else
        echo "vibeguard: the commit is not what is checked out; it differs in:"
        git diff --name-only HEAD "$3" | head -n 10
        echo "vibeguard: check it and push again: git switch --detach $3 && vibeguard run --record-tree"
    fi >&2
}

# git says on stdin what is pushed: local ref, local commit, remote ref, remote commit.
while read -r _ commit _ _; do
    case $commit in
    *[!0]*) ;;
    *) continue ;; # all zeros: a branch is deleted
    esac
    tree=$(git rev-parse --verify --quiet "$commit^{tree}") || continue # a tag of something else
    code=0
    vibeguard hook verdict "$tree" </dev/null || code=$?
    head=$(git rev-parse --verify --quiet "HEAD^{tree}") || head=
    if [ $code -eq 3 ] && [ "$tree" = "$head" ] && [ -z "$(git status --porcelain)" ]; then
        code=0
        vibeguard run --supersede --record-tree </dev/null || code=$?
    elif [ $code -eq 3 ]; then
        explain "$tree" "$head" "$commit"
    fi
    [ $code -eq 0 ] || exit $code
done
exit 0
