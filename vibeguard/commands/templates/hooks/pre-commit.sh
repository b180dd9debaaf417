#!/bin/sh
# vibeguard hook git: made by `vibeguard hook git --write`, which may replace this file.
#
# Waits for the foreground checks only. What runs in the background goes on after the commit; the
# pre-push hook asks for its verdict. Checked is the working tree as it is, staged or not.
# Skip it once with `git commit --no-verify`.
@FIND@
# A check must see the repository as it does outside of a hook, and the index that git lends to a
# hook may be gone before the background is done.
# shellcheck disable=SC2046  # one name a word
unset $(git rev-parse --local-env-vars)

vibeguard run --max-wait foreground --supersede --record-tree
code=$?
# 5 is pending: the foreground has passed and the background goes on.
test $code -eq 5 && exit 0
exit $code
