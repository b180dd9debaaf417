"""JUnit XML, as many test runners write it, each in a dialect of its own.

What linters make of it is read too: their cases are findings and no tests.

Our own reader on expat: a million cases in flat memory, no entity, no DOCTYPE, no token above 1 MiB
(an attribute of 200 MB costs older expats minutes). ADR 0105 says what else was weighed.
"""

import re
from html import unescape
from typing import NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

from vibeguard.core.model.results import Result
from vibeguard.core.names import FAILED_RESULTS, Level, ResultOutcome
from vibeguard.core.results.base import Sink, UnreadableReport
from vibeguard.core.results.building import diagnostic, number_of, one_test
from vibeguard.core.results.frames import Place, place_in
from vibeguard.core.results.texts import BoundedText, message_of, nanoseconds

CHUNK_BYTES = 64 << 10
MOST_TOKEN_BYTES = 1 << 20
MOST_DEPTH = 100

_REMARKS = ("failure", "error", "skipped")
# What a case may say of itself where no element of its own does.
_FAILED = {"fail", "failed", "failure", "error", "broken", "crashed"}
_UNDONE = _FAILED | {"timeout", "timedout", "interrupted", "cancelled", "canceled", "aborted"}
_NODE_FAILED = re.compile(r"^ (?:fail|cancelled) (\d+) $")  # a comment: of hooks it has no element
_LINTERS = frozenset({"ruff", "biome", "oxlint", "mypy", "eslint", "stylelint"})
_AT = re.compile(r"^\(?line (\d{1,9}), col(?:umn)? (\d{1,9})[,)]? ?(?:(Error|Warning) - )?")
_MYPY = re.compile(r"^(\S[^:]*):(\d{1,9})(?::(\d{1,9}))?: error: (.*?)(?:  \[([\w-]+)\])?$")
_SAY_NOTHING = frozenset(("Failed", "Error", "No test result found"))  # go-junit-report's own
_PANIC = re.compile(r"^thread '[^']*' (?:\(\d+\) )?panicked at \S+$")  # where, not why
_PATH = re.compile(r"/.*\.\w+$")
_ESCAPED_TWICE = re.compile(r"&(?:quot|lt|gt|amp|apos);")


class _Remark(NamedTuple):
    """A `failure`, `error` or `skipped` element of a case."""

    tag: str
    type: str
    message: str
    text: BoundedText


class JUnitReader:
    """One JUnit file, whole or cut off."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._parser = ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser.EntityDeclHandler = _refuse_doctype
        self._parser.CommentHandler = self._comment
        self._fed = 0
        self._root = ""
        self._depth = 0
        self._suites: list[dict[str, str]] = []
        self._of_a_linter = [False]  # of each of them, and of what has none
        self._case: dict[str, str] | None = None
        self._is_of_a_suite = False  # a failure of no case, but of the suite itself
        self._remarks: list[_Remark] = []
        self._reading: BoundedText | None = None
        self._named = 0  # elements that say what failed
        self._named_before = [0]  # each of the suites
        self._unnamed = 0  # failures and errors that a suite counts and does not name

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        for at in range(0, len(data), CHUNK_BYTES):
            chunk = data[at : at + CHUNK_BYTES]
            self._parse(chunk, last=False)
            self._fed += len(chunk)
            if self._fed - self._parser.CurrentByteIndex > MOST_TOKEN_BYTES:
                raise UnreadableReport(f"it has a tag or text longer than {MOST_TOKEN_BYTES} bytes")

    def finish(self) -> None:
        """The file is over."""
        if not self._fed:
            raise UnreadableReport("it is empty")
        self._parse(b"", last=True)
        if self._root not in ("testsuites", "testsuite"):
            raise UnreadableReport(f"it is XML, but no JUnit: <{self._root[:40]}>")
        if self._unnamed:
            raise UnreadableReport(f"it counts {self._unnamed} that failed, and names none")

    def _parse(self, data: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(data, last)
        except (ExpatError, ValueError, LookupError) as error:  # of XML, or of its encoding
            raise UnreadableReport(f"it is not well-formed XML: {error}") from None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        """Keep what an element says: of a suite its counts, of a case its remarks."""
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise UnreadableReport(f"it is nested deeper than {MOST_DEPTH} elements")
        self._root = self._root or tag
        self._named += tag.lower().endswith(("failure", "error"))
        if tag in _REMARKS and tag != "skipped" and self._case is None:
            self._case, self._remarks, self._is_of_a_suite = {}, [], True
        if tag in ("testsuite", "testsuites"):
            self._suites.append(attributes)
            self._named_before.append(self._named)
            self._of_a_linter.append(self._of_a_linter[-1] or _names_a_linter(attributes))
        elif tag == "testcase":
            self._case, self._remarks = attributes, []
        elif tag in _REMARKS and self._case is not None and len(self._remarks) < 10:
            text = self._reading = BoundedText()
            kind, message = attributes.get("type", ""), attributes.get("message", "")
            self._remarks.append(_Remark(tag, kind, message, text))
        elif tag == "property" and attributes.get("name") == "severity" and self._case is not None:
            self._case["severity"] = attributes.get("value", "")

    def _text(self, text: str) -> None:
        if self._reading is not None:
            self._reading.add(text)

    def _comment(self, text: str) -> None:
        if not self._named and (match := _NODE_FAILED.match(text)):
            self._unnamed = max(self._unnamed, number_of(match[1]))

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if tag in _REMARKS:
            self._reading = None
            if self._is_of_a_suite and self._case is not None:
                suite = self._suites[-1] if self._suites else {}
                self._give({"name": suite.get("name", "") or tag}, self._remarks)
                self._case, self._is_of_a_suite = None, False
        elif tag in ("testsuite", "testsuites"):
            suite = self._suites.pop()
            self._of_a_linter.pop()
            if self._named == self._named_before.pop():
                counted = sum(_count(suite.get(name, "")) for name in ("failures", "errors"))
                self._unnamed = max(self._unnamed, counted)
        elif tag == "testcase" and self._case is not None:
            self._give(self._case, self._remarks)
            self._case = None

    def _give(self, case: dict[str, str], remarks: list[_Remark]) -> None:
        if self._of_a_linter[-1] or any(_AT.match(str(remark.text)) for remark in remarks):
            for remark in remarks:
                self._findings(case, remark)
        else:
            names = ("name", "hostname", "file")
            within = [suite.get(name, "") for suite in self._suites for name in names]
            self._sink(self._test(case, remarks), " ".join([*within, case.get("file", "")]))

    def _findings(self, case: dict[str, str], remark: _Remark) -> None:
        if remark.tag == "skipped":
            return
        text = str(remark.text).strip()
        lines = [match for match in map(_MYPY.match, text.split("\n")[:1000]) if match]
        for found in lines:
            line, column = int(found[2]), int(found[3] or 0)
            self._sink(diagnostic(Level.ERROR, found[1], line, column, found[5], found[4]))
        if not lines:
            self._sink(self._finding(case, remark, text))

    def _finding(self, case: dict[str, str], remark: _Remark, text: str) -> Result:
        at = _AT.match(text)
        line, column = (at[1], at[2]) if at else (case.get("line", ""), case.get("column", ""))
        said = (case.get("severity"), remark.type, at[3].lower() if at and at[3] else "")
        level = Level.WARNING if "warning" in said else Level.ERROR
        file = self._suites[-1].get("name", "") if self._suites else ""
        rule = re.sub(r"^org\.(?:ruff|biome|eslint|stylelint)\.", "", case.get("name", ""))
        message = remark.message or text[at.end() if at else 0 :]
        return diagnostic(level, file, number_of(line), number_of(column), rule, message)

    def _test(self, case: dict[str, str], remarks: list[_Remark]) -> Result:
        outcome, remark = _outcome_of(case, remarks)
        suite = case.get("classname", "")
        place, rule, message = self._declared(case), "", ""
        if remark is not None:
            text = str(remark.text)
            if outcome in FAILED_RESULTS:
                place = _place_of(text or remark.message, suite) or place
                rule = remark.type
            said = f"{place.file}:{place.line}"
            message = message_of(remark.message, without=said)
            if not message or message in _SAY_NOTHING or _PANIC.match(message):
                name = f"{suite}::{case.get('name', '')}"
                message = _message_in(text, name, said) or message
        name, took_ns = _full_name(suite, case.get("name", "")), nanoseconds(case.get("time"))
        return one_test(name, outcome, place, message, duration_ns=took_ns, rule=rule)

    def _declared(self, case: dict[str, str]) -> Place:
        """Where the test begins, by the attributes of its case or suite; pytest counts from 0."""
        suite = self._suites[-1] if self._suites else {}
        file = case.get("file", "") or suite.get("file", "")
        if not file and _PATH.search(case.get("classname", "")):
            file = case["classname"]  # vitest
        line = number_of(case.get("line", ""))
        if "line" in case and suite.get("name") == "pytest":
            line += 1
        return Place(file, line)


def _names_a_linter(suite: dict[str, str]) -> bool:
    names = {suite.get("name", "").lower(), suite.get("package", "").removeprefix("org.")}
    return bool(names & _LINTERS)


def _outcome_of(
    case: dict[str, str], remarks: list[_Remark]
) -> tuple[ResultOutcome, _Remark | None]:
    """The outcome, and the element that says why; what else than `skipped` may be expected."""
    by_tag = {remark.tag: remark for remark in reversed(remarks)}
    skipped = by_tag.get("skipped")
    expected = skipped.type if skipped is not None else ""
    if expected == "todo" or ("xfail" in expected and "error" not in by_tag):
        return ResultOutcome.XFAILED, skipped
    if skipped is not None and len(by_tag) > 1 and skipped.message.endswith("tagged with !mayfail"):
        return ResultOutcome.XFAILED, skipped  # of Catch2
    if "error" in by_tag:
        return ResultOutcome.ERROR, by_tag["error"]
    if "failure" in by_tag:
        return ResultOutcome.FAILED, by_tag["failure"]
    not_run = case.get("status") in ("notrun", "disabled") or case.get("result") == "suppressed"
    if _is_undone(case, skipped):
        return ResultOutcome.ERROR, skipped
    if skipped is not None or not_run:
        return ResultOutcome.SKIPPED, skipped
    return ResultOutcome.PASSED, None


def _is_undone(case: dict[str, str], skipped: _Remark | None) -> bool:
    """Whether it is no pass, and no skip either, though no element says that it failed.

    A case of pytest's without a name did not end; one that ctest could not start is not run, and
    the reason for it is none that a test gives.
    """
    if skipped is None:
        said = {case.get(name, "").lower() for name in ("status", "result")}
        return "name" not in case or bool(said & _UNDONE)
    not_started = case.get("status") == "notrun" and "result" not in case
    return not_started and not skipped.message.startswith(("SKIP_", "Disabled"))


def _place_of(text: str, suite: str) -> Place | None:
    """The place in the text of a failure; a bare file of Go is one of its package."""
    place = place_in(text)
    if place.file.endswith(".go") and "/" not in place.file and "/" in suite:
        return place._replace(file=f"{suite}/{place.file}")
    return place if place.file else None


def _full_name(suite: str, name: str) -> str:
    """Suite and name, each once. Node escapes its names twice."""
    is_whole = not suite or suite == "test" or _begins_with_word(name, suite)
    full = name if is_whole else f"{suite}::{name}"
    return unescape(full) if _ESCAPED_TWICE.search(full) else full


def _begins_with_word(name: str, suite: str) -> bool:
    """Whether the name has the suite in front: `test_x` is not in front of `test_xs`."""
    return name.startswith(suite) and not f"{name[len(suite) :]} "[0].isidentifier()


def _message_in(text: str, name: str, place: str) -> str:
    """The message in the text of an element: behind the test's own name, place, file or panic."""
    text = text.strip().removeprefix(f"{place.rpartition('/')[2]}: ")
    first, _, rest = text.partition("\n")
    said = first.startswith((name, "(in test file")) or first.strip() == place
    said = said or _PANIC.match(first) is not None
    return message_of(rest if said and rest.strip() else text)


def _count(text: str) -> int:
    """A count, as `1,000` or `1.0` too."""
    return number_of(text.strip().replace(",", "").partition(".")[0])


def _refuse_doctype(*_: object) -> None:
    raise UnreadableReport("it has a DOCTYPE: entities are not read")
