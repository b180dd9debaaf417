"""TAP 13 and 14: subtests by indentation (node) or in braces (vitest), directives, YAML blocks."""

import re

from msgspec.structs import replace

from vibeguard.core.model.results import Result
from vibeguard.core.names import ResultOutcome
from vibeguard.core.results.base import Sink, UnreadableReport
from vibeguard.core.results.building import one_test
from vibeguard.core.results.frames import Place, place_in
from vibeguard.core.results.line_reports import LineReader
from vibeguard.core.results.texts import BoundedText, cut, message_of, nanoseconds

MOST_DEPTH = 100
_TEST = re.compile(r"^( *)(not )?ok\b(?: +(\d{1,9}))?(?: +- | +|$)(.*)$")
_PLAN = re.compile(r"^( *)1\.\.(\d{1,9})(?:\s*(#.*))?$")
_VERSION = re.compile(r"^TAP version \d+$")
_BAIL = re.compile(r"^ *Bail out!\s*(.*)$")
_DIRECTIVE = re.compile(r"^(|.*?\s)# *(skip\w*|todo)\b:?\s*(.*)$", re.IGNORECASE)
_TIME = re.compile(r"\s*# time=([\d.]+)ms")
_PLACE = re.compile(
    r"^\s*(?:at|location): *['\"]?(/?[^'\"\s]+?):(\d{1,9})(?::(\d{1,9}))?['\"]?\s*$", re.MULTILINE
)
_MESSAGE = re.compile(
    r"^\s*(?:message|error): *(?:[|>]-?\s*\n([\s\S]+)|['\"]?(.+?)['\"]?\s*$)", re.MULTILINE
)
_WHERE = re.compile(r"^.*\bline \d+[,)]$\n?", re.MULTILINE)  # bats: `(in test file a.bats, line 9)`
_DURATION = re.compile(r"^\s*duration_ms: *([\d.]+)", re.MULTILINE)
_COMMENT = re.compile(r"^ *#")
_TALLY = re.compile(r"^ *# (?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms|Subtest)\b")
_NEXT_KEY = re.compile(r"^\s*\w+: ", re.MULTILINE)


class _Point:
    """A test line whose diagnosis may follow; `parent` once subtests have been seen below it."""

    def __init__(self, indent: int, result: Result, number: int, *, parent: bool) -> None:
        self.indent, self.result, self.parent = indent, result, parent
        self.number = number  # among all lines: TAP has no second tries, and names stand twice
        self.text: BoundedText | None = None
        self.comments = BoundedText()


class TapReader(LineReader):
    """TAP streams, one behind the other. A plan that is missing or does not hold is an error."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._point: _Point | None = None
        self._in_block = False
        self._counts: dict[int, int] = {}  # tests so far at each indentation
        self._astray: dict[int, int] = {}  # by hashes; 0: numbered 1, 2, 3, in any order
        self._plans: dict[int, int] = {}
        self._failing: set[int] = set()  # levels with a failure since the line above them
        self._braces: list[_Point] = []
        self._seen = False
        self._lines = 0

    def line(self, line: str) -> None:
        """One line of the stream."""
        if self._in_block:
            self._block(line)
        elif line == "ok" and self._is_complete():
            self._give()  # `prove -v` sums up a file so
        elif match := _TEST.match(line):
            self._test(match)
        elif match := _PLAN.match(line):
            self._plan(match)
        elif _VERSION.match(line) and (self._counts or self._plans):
            self._end_stream()
        elif match := _BAIL.match(line):
            self._give()
            self._seen = True
            self._complain(f"Bail out! {match[1]}".strip())
            self._plans.clear()
            self._counts.clear()
            self._astray.clear()
        elif line.strip() == "---" and self._point is not None:
            self._in_block, self._point.text = True, BoundedText()
        elif line.strip() == "}" and self._braces:
            point = self._braces.pop()
            self._close(point.indent + 4)
            self._sum_up(point)
        elif self._point is not None and _COMMENT.match(line) and not _TALLY.match(line):
            self._point.comments.add(line.strip().removeprefix("#").strip() + "\n")

    def end(self) -> None:
        """There is no more."""
        self._give()
        if not self._seen:
            raise UnreadableReport("there is no TAP in it")
        self._end_stream()

    def _is_complete(self) -> bool:
        """Whether all that the plan of the stream promises has come."""
        return self._plans.get(0) == self._counts.get(0, 0)

    def _end_stream(self) -> None:
        """A stream is over: each plan must hold, and subtests stand above or in a test."""
        self._give()
        if self._braces or (self._counts and not {0} & {*self._counts, *self._plans}):
            self._complain("it ends in the middle of subtests: the stream was cut off")
        for level in sorted({0, *self._counts}, reverse=True):
            self._close(level)
        self._braces.clear()

    def _block(self, line: str) -> None:
        if line.strip() == "...":
            self._in_block = False
        elif self._point is not None and self._point.text is not None:
            self._point.text.add(line + "\n")

    def _test(self, match: re.Match[str]) -> None:
        """A test line: it ends the test before it, and all levels deeper than its own."""
        self._give()
        self._seen = True
        self._lines += 1
        if not match[1] and int(match[3] or 0) == 1 and self._is_complete():
            self._end_stream()
        indent = min(len(match[1]), 4 * MOST_DEPTH)
        count = self._counts[indent] = self._counts.get(indent, 0) + 1
        number = int(match[3] or count)
        self._astray[indent] = self._astray.get(indent, 0) + hash((number,)) - hash((count,))
        # Subtests stand deeper and before the line that sums them up.
        parent = any(deeper > indent for deeper in self._counts)
        if not self._braces:
            for deeper in [depth for depth in self._counts if depth > indent]:
                self._close(deeper)
        text = match[4].rstrip()
        brace = text.endswith("{")
        point = _Point(
            indent,
            _result(text.removesuffix("{"), match[3] or "", failed=bool(match[2])),
            self._lines,
            parent=parent,
        )
        if brace:
            point.parent = True
            self._braces.append(point)
        else:
            self._point = point

    def _plan(self, match: re.Match[str]) -> None:
        self._give()
        self._seen = True
        parentless = bool(self._plans) and 0 not in self._counts
        if not match[1] and (0 in self._plans or parentless):
            self._end_stream()
        self._plans[len(match[1])] = int(match[2])

    def _give(self) -> None:
        """The diagnosis of the last test is complete."""
        point, self._point, self._in_block = self._point, None, False
        if point is not None:
            self._sum_up(point)

    def _sum_up(self, point: _Point) -> None:
        """Report a test; a parent only if it failed by itself (a hook, its own code)."""
        failed = point.result.outcome is ResultOutcome.FAILED
        explained = any(level > point.indent for level in self._failing)
        self._failing = {level for level in self._failing if level <= point.indent}
        if failed:
            self._failing.add(point.indent)
        if not point.parent or (failed and not explained):
            said = str(point.comments)
            self.sink(_diagnosed(point.result, str(point.text or ""), said), str(point.number))

    def _close(self, indent: int) -> None:
        """A level is over: hold its plan against what was run."""
        self._give()
        ran, planned = self._counts.pop(indent, 0), self._plans.pop(indent, None)
        astray = self._astray.pop(indent, 0)
        if planned is None:
            if ran and indent == 0:
                self._complain(f"{ran} tests ran and there is no plan: the stream was cut off")
        elif planned != ran:
            self._failing.add(indent)
            self._complain(f"{planned} tests were planned, {ran} ran")
        elif astray:  # in any order, but each of them: another may stand for one that did not run
            self._complain(f"the numbers of its tests are not those from 1 to {ran}")

    def _complain(self, what: str) -> None:
        self.sink(one_test("plan", ResultOutcome.ERROR, message=cut(what, 200)))


def _result(text: str, number: str, *, failed: bool) -> Result:
    r"""A test by its line alone. A directive wins over `not ok`; `\#` is a literal #."""
    time = _TIME.search(text)
    text = _TIME.sub("", text) if time else text
    outcome = ResultOutcome.FAILED if failed else ResultOutcome.PASSED
    directive = _DIRECTIVE.match(text)
    reason = ""
    if directive:
        todo = directive[2].lower() == "todo"
        outcome = ResultOutcome.XFAILED if todo else ResultOutcome.SKIPPED
        text, reason = directive[1], directive[3]
    name = text.strip().replace("\\#", "#").replace("\\\\", "\\") or f"test {number}"
    took_ns = nanoseconds(time[1], 1_000_000) if time else None
    return one_test(name, outcome, message=reason, duration_ns=took_ns)


def _diagnosed(result: Result, block: str, comments: str) -> Result:
    """The test with what its YAML block, or else its comments, add: place, message, duration."""
    if not block and not comments:
        return result
    duration = _DURATION.search(block)
    failed = result.outcome is ResultOutcome.FAILED
    place = (_place(block) if block else place_in(comments)) if failed else Place()
    said = _message(block) if block else message_of(_WHERE.sub("", comments))
    return replace(
        result,
        file=place.file,
        line=place.line,
        column=place.column,
        message=said if failed else result.message,
        duration_ns=nanoseconds(duration[1], 1_000_000) if duration else result.duration_ns,
    )


def _place(block: str) -> Place:
    """The first frame of the stack, else what `at` or `location` says."""
    stack = block.partition("stack:")[2]
    framed = place_in(stack) if stack else Place()
    said = _PLACE.search(block)
    if framed.file or said is None:
        return framed if framed.file else place_in(block)
    return Place(said[1], int(said[2]), int(said[3] or 0))


def _message(block: str) -> str:
    found = _MESSAGE.search(block)
    if found is None:
        return ""
    if found[2]:
        return message_of(found[2])
    text = found[1]
    following = _NEXT_KEY.search(text)
    lines = [line.strip() for line in text[: following.start() if following else None].split("\n")]
    return message_of("\n".join(lines))
