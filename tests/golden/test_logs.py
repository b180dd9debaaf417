"""Logs of every released schema version keep reading the same, for ever.

A file in logs/ is never changed: a new version adds its own (`python tests/golden/test_logs.py NAME`
writes one that holds every event type), and its reading is put beside it.
"""

import json
import sys
from pathlib import Path

import pytest

from tests.helpers.logs import encode_log, every_event
from vibeguard.core.model.state import State
from vibeguard.system.journal.reader import LogReading, open_state

LOGS = sorted((Path(__file__).parent / "logs").glob("*.jsonl"))


def told(state: State, reading: LogReading) -> dict[str, object]:
    """What a reader can rely on, in plain words."""
    finished, seal = state.finished, reading.seal
    return {
        "status": reading.status.value,
        "events": reading.events,
        "bytes": reading.bytes,
        "sha256": seal.sha256 if seal else None,
        "verdict": finished.verdict.value if finished else None,
        "exit_code": finished.exit_code if finished else None,
        "counts": finished.counts if finished else None,
        "checks": {
            id_: [record.state.value, str(record.outcome), record.attempt, record.settled_t]
            for id_, record in state.checks.items()
        },
    }


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_released_log_reads_the_same_for_ever(path):
    expected = json.loads(path.with_suffix(".json").read_text())
    assert told(*open_state(str(path))) == expected


def test_there_is_a_log_of_the_first_schema_with_every_event():
    assert [path.stem for path in LOGS][:1] == ["1.0-every-event"]


def test_the_present_version_writes_what_the_last_golden_log_holds():
    """When this fails, the schema has changed: add a golden log, and keep the old ones."""
    assert encode_log(every_event()) == LOGS[-1].read_bytes()


def main() -> None:
    """Write a golden log of the present version, and its reading."""
    path = Path(__file__).parent / "logs" / f"{sys.argv[1]}.jsonl"
    path.write_bytes(encode_log(every_event()))
    reading = told(*open_state(str(path)))
    path.with_suffix(".json").write_text(json.dumps(reading, indent=1) + "\n")


if __name__ == "__main__":
    main()
