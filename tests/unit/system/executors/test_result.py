"""What an executor tells of an end stands in the log, name by name."""

from tests.helpers import histories
from vibeguard.core.model.event_parts import ProcessReport
from vibeguard.core.model.events import CheckAttemptFinished
from vibeguard.core.names import AttemptEnd
from vibeguard.system.executors.base import AttemptResult
from vibeguard.system.supervisor.attempt_events import finished

KEPT_APART = {"output_error", "output_file", "returned", "left_out", "unchanged", "top"}


def test_every_field_of_a_result_is_recorded_or_kept_apart_by_name():
    """A field that is added to one of them and not to the other would be lost in silence."""
    told = set(AttemptResult.__struct_fields__) - KEPT_APART
    assert told <= set(CheckAttemptFinished.__struct_fields__)


def test_the_event_says_what_the_result_said():
    left = (ProcessReport(pid=7, command="sleep 1"),)
    result = AttemptResult(
        end=AttemptEnd.EXITED,
        exit_code=3,
        elapsed_ns=9,
        active_ns=8,
        cpu_user_ns=1,
        output_bytes=5,
        output_sha256="ab",
        leaked=left,
        swept=2,
        output_error="no room",
    )
    event = finished(histories.check("a"), 2, result, lasted_ns=7)
    assert event == CheckAttemptFinished(
        check="a",
        attempt=2,
        end=AttemptEnd.EXITED,
        exit_code=3,
        elapsed_ns=9,
        active_ns=7,
        cpu_user_ns=1,
        output_path="output/a.2.log",
        output_bytes=5,
        output_sha256="ab",
        leaked=left,
        swept=2,
        error="no room",
    )
