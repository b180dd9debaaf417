"""Single results as the lines that people and agents read, the worst first."""

import re
from collections.abc import Iterator

from msgspec.structs import asdict

from vibeguard.core.model.report import ResultReport
from vibeguard.core.model.results import Result, ResultsSource
from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import FAILED_RESULTS, Level, Outcome, ResultKind
from vibeguard.core.report.reasons import shown_status
from vibeguard.core.results.texts import cut
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import plural

MOST_LINES = 20
LINE_CHARACTERS = 300
# What tools put before a message or a summary of one.
_MARKS = re.compile(r"^(?:[E>|]\s+|FAILED |ERROR |error: |\s)*")
_DOCUMENTS = ("json", "sarif", "ctrf", "junit")
_STREAMS = ("json go-test", "json cargo")
_OF_A_DOCUMENT = tuple('{}[]"<')  # how each of its lines begins, but for what it quotes


def is_bad(result: Result) -> bool:
    """Whether it is a failed test or an error."""
    return result.outcome in FAILED_RESULTS or result.severity is Level.ERROR


def results_of(record: CheckRecord) -> tuple[Result, ...]:
    """The single results that are recorded of its last attempt."""
    return record.results.results if record.results else ()


def tests_of(record: CheckRecord) -> list[Result]:
    """The tests that its reports told of; guessed ones are none."""
    told = record.results is not None and not record.results.guessed
    return [one for one in results_of(record) if told and one.kind is ResultKind.TEST]


def titled(result: Result, message: str) -> str:
    """The message of a finding, sanitised by now, behind the name of its test."""
    name = sanitise(result.name)
    said = message or name or "failed"
    return f"{name}: {said}" if result.severity is None and result.name else said


def level_in(record: CheckRecord, result: Result) -> Level:
    """How bad a result is for the run: an error is a warning where its check is only one."""
    if is_bad(result):
        return Level.WARNING if shown_status(record) == "warned" else Level.ERROR
    return result.severity or Level.INFO


def result_report(result: Result) -> ResultReport:
    """The result as the document has it."""
    return ResultReport(**asdict(result))


def shown_results(record: CheckRecord) -> list[Result]:
    """What to show of a check that did not pass: what is bad, else its warnings."""
    if record.outcome in (None, Outcome.PASSED):
        return []
    bad = [result for result in results_of(record) if is_bad(result)]
    return bad or [one for one in results_of(record) if one.severity is Level.WARNING]


def place_of(result: Result) -> str:
    """`src/app.py:3:8`, as far as it is known."""
    if not result.file:
        return ""
    numbers = "".join(f":{number}" for number in (result.line, result.column) if number)
    return result.file + numbers


def result_line(result: Result, most: int = LINE_CHARACTERS) -> str:
    """`src/app.py:3:8: message [rule]` in one line of at most so many characters, sanitised."""
    said = " ".join(_shown_of(result))
    name = result.name if result.kind is ResultKind.TEST else result.rule
    head = ": ".join(part for part in (place_of(result), said) if part)
    head = sanitise(head or name)
    # The place and the message come first; the name gives way before they do.
    for said_name in (name, name.rpartition("::")[2], ""):
        tail = f" [{sanitise(said_name)}]" if said_name and head != sanitise(name) else ""
        if len(head) + len(tail) <= most:
            return head + tail
    return cut(head, most)


def result_lines(record: CheckRecord) -> list[str]:
    """A line for each result worth showing, and one for how many more there are."""
    results = shown_results(record)
    lines = [result_line(result) for result in results[:MOST_LINES]]
    left_out = record.results.left_out if record.results and results else 0
    more = len(results) - len(lines)
    if more:
        lines.append(f"[{plural(more, 'more result')}]")
    if left_out:
        lines.append(f"[{plural(left_out, 'result')} not recorded]")
    return lines


def unplaced_lines(record: CheckRecord, most: int) -> list[str]:
    """What is bad and lies in no file: an export that shows places says it with the check."""
    bad = [one for one in shown_results(record) if is_bad(one) and not one.file]
    lines = [result_line(result) for result in bad[:most]]
    return [*lines, plural(len(bad) - most, "more result")] if len(bad) > most else lines


def without_repeats(record: CheckRecord, lines: list[str]) -> list[str]:
    """Lines of the output, without those that the results have said already."""
    results = shown_results(record)[:MOST_LINES]
    if not results:
        return lines
    if any(_is_document(source) for source in record.planned.results):
        lines = [line for line in lines if not line.lstrip().startswith(_OF_A_DOCUMENT)]
    said = {sanitise(part) for result in results for part in _shown_of(result)}
    places = {f"{result.file}:{result.line}" for result in results if result.line}
    return [line for line in lines if not _repeats(line, said, places)]


def _is_document(source: ResultsSource) -> bool:
    """Whether the output is JSON or XML for programs, and no stream that has text for people."""
    form = source.reader.partition(" ")[0]
    return not source.file and form in _DOCUMENTS and source.reader not in _STREAMS


def note_lines(record: CheckRecord) -> Iterator[str]:
    """What is wrong with reports or a quarantine, where it decided nothing; and that it holds."""
    if record.results is None:
        return
    for note in record.results.notes:
        yield f"note: {sanitise(_without_output(note, record))}"
    quarantine = record.planned.quarantine
    if record.settled is not None and record.settled.quarantined and quarantine is not None:
        parts = [f"until {quarantine.until}" if quarantine.until else "", quarantine.issue]
        parts.append(f"owner {quarantine.owner}" if quarantine.owner else "")
        detail = ", ".join(part for part in parts if part)
        yield sanitise(f"quarantined: every test that failed is known ({detail or 'no date'})")


def _without_output(note: str, record: CheckRecord) -> str:
    """The note as far as it quotes no line of the output, which stands above it."""
    settled = record.settled
    lines = [*(settled.excerpt.lines if settled and settled.excerpt else ())]
    lines += settled.tail if settled else ()
    quoted = (note.find(f": {line.strip()}") for line in lines if line.strip())
    return note[: min((at for at in quoted if at > 0), default=len(note))]


def _shown_of(result: Result) -> list[str]:
    """The lines of a message that stand in one: the first, and the next behind a colon."""
    lines = [line.strip() for line in result.message.split("\n") if line.strip()]
    return lines[: 2 if lines and lines[0].endswith(":") else 1]


def _repeats(line: str, said: set[str], places: set[str]) -> bool:
    text = _MARKS.sub("", line).strip()
    if text in said:
        return True
    place = text.split(" ", 1)[0].rstrip(":")
    bare = ":".join(place.split(":")[:2])
    return bare in places and (
        text == place or any(part in text for part in said) or len(text) < 80
    )
