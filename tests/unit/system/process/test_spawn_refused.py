"""Why a command was not started: in words that say what to do."""

import errno
import os

import pytest

from vibeguard.system.process.start_refused import refusal


@pytest.mark.parametrize(
    ("number", "limit", "ours"),
    [(errno.EMFILE, "ulimit -n", True), (errno.EAGAIN, "ulimit -u, pids.max", False)],
)
def test_a_limit_that_was_reached_is_named(number: int, limit: str, ours: bool) -> None:
    """And only descriptors are this process's own: nobody else gives any of them back."""
    refused = refusal(OSError(number, os.strerror(number)), "no process could be started")
    assert f"{os.strerror(number)}: raise the limit ({limit}" in refused.reason
    assert (refused.transient, refused.ours) == (True, ours)


def test_what_no_limit_is_about_is_told_as_it_is() -> None:
    refused = refusal(OSError(errno.EACCES, "Permission denied"), "the folder x cannot be used")
    assert refused.reason == "the folder x cannot be used: Permission denied"
    assert not refused.transient
