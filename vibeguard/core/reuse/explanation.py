"""Why a check would run or be reused: what `explain` answers, and in which words."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from vibeguard.core.model.config import CheckKeys
from vibeguard.core.model.keys import keys_of
from vibeguard.core.reuse.key import Part, differing_parts
from vibeguard.core.reuse.manifest import Entry, differing
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import some

MOST_FILES = 100
_SHOWN = 5


class Difference(Struct, frozen=True):
    """One part of the key that is another than at the last pass; for inputs, the files behind it.

    Where these are more than 100, the others are not listed.
    """

    part: str
    files: tuple[str, ...] = ()


class Explanation(Struct, frozen=True):
    """`explain --json`: whether `run --reuse` would reuse the check as things are, and why.

    `run` and `age_ms` are of the pass that it is compared with; empty where none is recorded.
    """

    check: str
    reused: bool
    why: str
    key: str = ""
    run: str = ""
    age_ms: int | None = None
    differences: tuple[Difference, ...] = ()


def differences(
    before: Iterable[Part],
    now: Iterable[Part],
    entries_before: Sequence[Entry],
    entries_now: Sequence[Entry],
) -> tuple[Difference, ...]:
    """What makes one key another. Without the earlier entries no files are named."""
    names = differing_parts(before, now)
    files: tuple[str, ...] = ()
    if "inputs" in names and entries_before:
        changed = differing(entries_before, entries_now)[:MOST_FILES]
        files = tuple(path.decode("utf-8", "backslashreplace") for path in changed)
    return tuple(Difference(_named(name), files if name == "inputs" else ()) for name in names)


def explanation_lines(explanation: Explanation) -> list[str]:
    """The answer for people: a sentence, then a line for each part that differs."""
    verb = "would be reused" if explanation.reused else "would run"
    lines = [sanitise(f"{explanation.check} {verb}: {explanation.why}")]
    for difference in explanation.differences:
        files = f": {some(difference.files, _SHOWN)}" if difference.files else ""
        lines.append(sanitise(f"  {difference.part}{files}"))
    return lines


def _named(part: str) -> str:
    """The name of a part as a user knows it: keys of the config by their names there."""
    words = {of.field: name for name, of in keys_of(CheckKeys).items()}
    kind, _, field = part.partition(" ")
    return f"config {words.get(field, field)}" if kind == "config" else part
