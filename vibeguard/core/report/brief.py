"""One failure in a limited number of bytes: the lines that name the fault are kept longest."""

import re
from collections.abc import Iterator
from enum import IntEnum

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.model.state import CheckRecord
from vibeguard.core.names import Outcome, Reason
from vibeguard.core.report.failure import GAP, lines_besides, process_lines
from vibeguard.core.report.results import note_lines, result_line, shown_results
from vibeguard.core.wording.units import plural

# A line of this kind says what is wrong; the others say around what.
_ERROR = re.compile(
    r"error|assert|fail|exception|panic|fatal|expect|cannot|not found|undefined|undeclared"
    r"|unexpected|denied|refused|mismatch|invalid|missing|no such|^\W*(?:E |>>? |\^)|differ"
    r"|(?:bad|unknown|unrecognized) (?:option|argument|flag|command)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"[\w./-]+\.\w+:\d+")
_ECHO = re.compile(r"> \S")  # npm says so what it runs; a marker of pytest stands further away
_COUNT = re.compile(
    r"\W*(?:there (?:was|were) |found )?\d+ (?:error|failure|failed|problem)s?\b", re.IGNORECASE
)
_DIAGNOSTIC = re.compile(r"[\w./-]+\.\w+:\d+(?::\d+)?: \S")
_SAID_BY_OUTPUT = frozenset(
    {Reason.EXIT_CODE, Reason.SIGNAL, Reason.RESULTS_CONTRADICT, Reason.TIMEOUT, Reason.IDLE}
)
# A result is told in so many characters where there are many of them.
RESULT_CHARACTERS = 60
LEFT_OUT_BYTES = 48  # two such remarks


class Keep(IntEnum):
    """How long a piece stays while the room gets less: the lower, the longer."""

    PLACE = 0  # the first location and message
    ERROR = 1  # other results, assertions, error lines
    ADVICE = 2
    CONTEXT = 3
    EXTRA = 4


class Piece(Struct, frozen=True):
    """A line of the text of a failure; one that is `fenced` is data that a check has written."""

    text: str
    keep: Keep
    fenced: bool = False
    is_result: bool = False


def output_pieces(record: CheckRecord, room: int) -> list[Piece]:
    """What the check said, as whoever shows it will put it into a fence; `room` is in bytes.

    Just one of the pieces is the place, if there are any.
    """
    results = _result_texts(record, room)
    lines = lines_besides(record)
    facts = [*note_lines(record), *process_lines(record)]
    pieces = [Piece(text, Keep.ERROR, fenced=True, is_result=True) for text in results]
    first = 0 if results else first_place(lines)
    pieces += [Piece(line, _worth(line), fenced=True) for line in lines]
    timed_out = record.outcome is Outcome.TIMEOUT
    worth = Keep.ERROR if timed_out else Keep.CONTEXT
    pieces += [Piece(fact, worth, fenced=True) for fact in facts]
    if timed_out and facts and not results:  # what it was doing says more than what it had said
        first = len(pieces) - len(facts)
    if first is None and pieces:
        first = len(pieces) - 1
    if first is not None:
        pieces[first] = replace(pieces[first], keep=Keep.PLACE)
    return pieces


def chosen_pieces(pieces: list[Piece], room: int) -> list[Piece]:
    """The pieces that fit into so many bytes, in their order; what is left out between is marked.

    What is to be kept longest is chosen first; of context, from both ends of the output.
    """
    if sum(map(_cost, pieces)) <= room:
        return pieces
    room -= LEFT_OUT_BYTES
    kept: set[int] = set()
    for keep in Keep:
        there = [n for n, one in enumerate(pieces) if one.keep is keep and not _says_nothing(one)]
        for position in _from_both_ends(there) if keep is Keep.CONTEXT else there:
            cost = _cost(pieces[position]) + (len(GAP) + 1 if pieces[position].fenced else 0)
            if cost <= room:
                room -= cost
                kept.add(position)
            elif keep is Keep.CONTEXT:
                break
    return list(_with_gaps(pieces, kept))


def place_text(record: CheckRecord, room: int = 0) -> str:
    """The first location and message of a failure, in one line; empty where nobody has said any.

    The more room there is for all of its results, the less is cut. The output says why a command
    failed, and nothing of what was judged afterwards.
    """
    reason = record.settled.reason if record.settled else None
    if reason not in _SAID_BY_OUTPUT and not shown_results(record):
        return ""
    pieces = output_pieces(record, room)
    return next((one.text for one in pieces if one.keep is Keep.PLACE), "").strip()


def _result_texts(record: CheckRecord, room: int) -> list[str]:
    """Every result in a line of its own, the shorter the more there are."""
    results = shown_results(record)
    if not results:
        return []
    most = min(max(room // len(results) - 8, RESULT_CHARACTERS), 4 * RESULT_CHARACTERS)
    left_out = record.results.left_out if record.results else 0
    more = [f"[{plural(left_out, 'result')} not recorded]"] if left_out else []
    return [*(result_line(result, most) for result in results), *more]


def first_place(lines: list[str]) -> int | None:
    """The line that says best what is wrong.

    An error with a place, else `file:line: message`, an error that is no count, a place, the last.
    """
    errors = [n for n, line in enumerate(lines) if _ERROR.search(line) and not _ECHO.match(line)]
    errors = [n for n in errors if not _COUNT.match(lines[n])]
    placed = [n for n, line in enumerate(lines) if _NUMBERED.search(line)]
    both = [n for n in errors if n in placed]
    both += [n for n in placed if _DIAGNOSTIC.match(lines[n].lstrip())]
    said = [n for n, line in enumerate(lines) if line.strip() not in ("", GAP)]
    return next(iter([*both[:1], *errors[:1], *placed[:1], *said[-1:]]), None)


def _worth(line: str) -> Keep:
    return Keep.ERROR if _ERROR.search(line) or _NUMBERED.search(line) else Keep.CONTEXT


def _says_nothing(piece: Piece) -> bool:
    return piece.fenced and piece.text.strip("| ") in ("", GAP)


def _cost(piece: Piece) -> int:
    return len(piece.text.encode()) + 1


def _from_both_ends(positions: list[int]) -> Iterator[int]:
    """The first, the last, the second: the start names the error and the end counts."""
    for turn in range(len(positions)):
        yield positions[turn // 2 if turn % 2 == 0 else -(turn // 2 + 1)]


def _with_gaps(pieces: list[Piece], kept: set[int]) -> Iterator[Piece]:
    """What is kept, and behind the last result and the last line how many others there are."""
    numbers = {
        kind: [n for n, one in enumerate(pieces) if one.fenced and one.is_result is kind]
        for kind in (True, False)
    }
    before = -1
    for position in sorted(kept):
        piece = pieces[position]
        if piece.fenced and not piece.is_result and position > before + 1 and before >= 0:
            yield Piece(GAP, Keep.CONTEXT, fenced=True)
        yield piece
        before = position
        alike = numbers[piece.is_result]
        if piece.fenced and position == max(kept.intersection(alike)):
            gone = sum(n not in kept and not _says_nothing(pieces[n]) for n in alike)
            said = f"{gone} more results" if piece.is_result else f"{gone} lines left out"
            if gone:
                yield Piece(f"[{said}]", Keep.CONTEXT, fenced=True)
