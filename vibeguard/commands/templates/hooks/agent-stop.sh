#!/bin/sh
# vibeguard hook agent: made by `vibeguard hook agent --write`, which may replace this file.
#
# For the moment when a coding agent says that it is done. Exit 2 sends it back to work, and it
# reads why on stderr. Long checks go on in the background; the next stop tells what they found.
@FIND@
@PLACE@# Agents tell on stdin when they have been sent back already: once is enough, or a check that
# nobody can mend would keep the agent for ever.
if [ ! -t 0 ]; then
    case $(cat) in
    *'"stop_hook_active":true'* | *'"stop_hook_active": true'*) exit 0 ;;
    esac
fi

# What the background has found since the last stop. While nothing has changed, that is the answer,
# and nothing is started again. For some checks only, give both commands the same words: --tags quick
code=0
report=$(vibeguard hook failures 2>&1 </dev/null) || code=$?
if [ $code -ne 1 ]; then
    code=0
    report=$(vibeguard run --format agent --max-wait foreground --supersede --record-tree 2>&1 </dev/null) || code=$?
fi
case $code in
0 | 5) exit 0 ;;             # passed, or nothing wrong so far
129 | 130 | 143) exit 0 ;;   # somebody stopped the checks: no verdict, no blame
esac
printf '%s\n' "$report" >&2
exit 2
