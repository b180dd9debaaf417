"""Logs of every released schema version keep reading the same, for ever.

A file in logs/ is never changed: a new version adds its own (`python -m tests.golden.test_logs NAME`
writes one that holds every event type), and its reading is put beside it, with what the text, json, junit
and markdown formats make of it: a log of years ago is still shown as it was.
"""

import json
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.helpers.command import ROOT
from tests.helpers.logs import encode_log, every_event
from tests.helpers.replays import replay
from vibeguard.core.eventlog.decode import LogDecoder
from vibeguard.core.model.state import State
from vibeguard.system.journal.reader import LogReading, open_state

LOGS = sorted((Path(__file__).parent / "logs").glob("*.jsonl"))
FORMATS = ("text", "json", "junit", "markdown")
SHOWN = [(path, name) for path in LOGS for name in FORMATS]


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


def shown(path: Path, name: str) -> str:
    """The log in one format."""
    return replay(name, LogDecoder().feed(path.read_bytes()))


def shown_before(path: Path, name: str) -> Path:
    """Where that stands as it was shown when the log was released."""
    return path.with_suffix(f".{name}.txt")


def validator(name: str) -> jsonschema.protocols.Validator:
    """An independent validator for a published schema."""
    schema = json.loads((ROOT / f"schemas/{name}.schema.json").read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_released_log_reads_the_same_for_ever(path):
    expected = json.loads(path.with_suffix(".json").read_text())
    assert told(*open_state(str(path))) == expected


@pytest.mark.parametrize(("path", "name"), SHOWN, ids=lambda part: getattr(part, "stem", part))
def test_a_released_log_is_shown_the_same_for_ever(path, name):
    assert shown(path, name) == shown_before(path, name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_a_released_log_and_its_report_fit_the_published_schemas(path):
    events = validator("event")
    for line in path.read_text(encoding="utf-8").splitlines():
        events.validate(json.loads(line))
    validator("report").validate(json.loads(shown(path, "json")))


def test_there_is_a_log_of_the_first_schema_with_every_event():
    assert [path.stem for path in LOGS][:1] == ["1.0-every-event"]


def test_the_present_version_writes_what_the_last_golden_log_holds():
    """When this fails, the schema has changed: add a golden log, and keep the old ones."""
    assert encode_log(every_event()) == LOGS[-1].read_bytes()


def main() -> None:
    """Write a golden log of the present version, its reading, and what the formats show."""
    path = Path(__file__).parent / "logs" / f"{sys.argv[1]}.jsonl"
    path.write_bytes(encode_log(every_event()))
    reading = told(*open_state(str(path)))
    path.with_suffix(".json").write_text(json.dumps(reading, indent=1) + "\n")
    for name in FORMATS:
        shown_before(path, name).write_text(shown(path, name), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
