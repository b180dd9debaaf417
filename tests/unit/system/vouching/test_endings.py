"""What is said of a log's end beside its events."""

import pytest

from vibeguard.core.fold.fold import new_state
from vibeguard.core.names import LogStatus
from vibeguard.system.journal.reader import LogReading
from vibeguard.system.vouching.endings import ending_of


@pytest.mark.parametrize(
    ("writer_alive", "words"),
    [(False, "its writer is gone"), (None, "whether its writer lives is unknown")],
)
def test_an_incomplete_log_always_says_what_is_wrong_with_it(tmp_path, writer_alive, words):
    """Formats for machines have no other place where people could see it."""
    status = LogStatus.INCOMPLETE
    reading = LogReading(status, events=3, bytes=900, lines=3, writer_alive=writer_alive)
    ending = ending_of(reading, str(tmp_path), new_state())
    assert (ending.log_status, ending.exit_code) == (LogStatus.INCOMPLETE, 3)
    assert ending.problem == f"the run has no verdict: its log has no seal, and {words}"
