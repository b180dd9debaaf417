#!/bin/sh
# vibeguard hook agent: made by `vibeguard hook agent --target @TARGET@ --write`, which may replace it.
#
# What the settings of the coding agent name: `stop` when it says that it is done, and `wake` beside
# it where the agent can be woken.

# The agent takes most exit codes for an error of the hook and goes on: say it in its own protocol.
give_up() {
    test "$1" = stop || exit 0
    case $(cat) in
    *'"stop_hook_active":true'* | *'"stop_hook_active": true'*) exit 0 ;;
    esac
    @GIVE_UP@
}
verb=$1
@PLACE@command -v vibeguard >/dev/null 2>&1 || give_up "$verb"
exec vibeguard hook "$verb" @TARGET@
