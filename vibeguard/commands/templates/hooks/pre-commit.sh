#!/bin/sh
# vibeguard hook git: made by `vibeguard hook git --write`, which may replace this file.
#
# Waits for the foreground checks only. What runs in the background goes on after the commit; the
# pre-push hook asks for its verdict. Checked is what is about to be committed, and only by the checks
# that it concerns; work tree and index stay as they are.
# Skip it once with `git commit --no-verify`.
@FIND@
code=0
@PLACE@vibeguard run --staged --max-wait foreground --supersede --record-tree || code=$?
# 5 is pending: the foreground has passed and the background goes on.
test $code -ne 5 || exit 0
exit $code
