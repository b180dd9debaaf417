"""What an audit answers: the facts of a trace held against what a check declares."""

import json
import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from vibeguard.core.audit.accesses import MOST_PATHS, Accesses, Use
from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.globs import LONGEST_PATTERN, Globs
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.core.wording.units import plural

MOST_SHOWN: Final = 20
_SPECIAL: Final = frozenset("*?[{}\\")
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-/")


class Files(Struct, frozen=True):
    """Paths from the folder of the run; those that git ignores apart."""

    files: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


class Audit(Struct, frozen=True):
    """`audit --json`. `ended` says how the check ended, `exit_code` is that of the command.

    `incomplete` are the reasons for which the trace is not all that happened; `read` counts the
    files of the tree whose content was read, `missed` are those that `inputs` do not cover.
    `inputs` and `tools` are what could be declared, earlier declarations first.
    """

    check: str
    ended: str
    exit_code: int
    read: int
    missed: Files
    examined: Files
    absent: Files
    listed: Files
    written: Files
    network: tuple[str, ...]
    inputs: tuple[str, ...]
    tools: tuple[str, ...]
    incomplete: tuple[str, ...] = ()


def audit_of(
    planned: PlannedCheck,
    facts: Accesses,
    ignored: Collection[bytes],
    *,
    ended: str,
    exit_code: int,
    unread: int = 0,
) -> Audit:
    """Hold the facts against what it declares. `unread` counts lines that could not be read."""
    uses = dict(_settled(facts.uses))
    covered = _covered(planned, uses)

    def files(use: Use) -> Files:
        return _apart((n for n, u in uses.items() if u & use and n not in covered), ignored)

    known = covered.union(ignored)
    missed = [n for n, u in uses.items() if _is_input(u) and n not in known]
    proposed = (p for p in patterns_for(missed) if p not in planned.inputs)
    return Audit(
        check=planned.id,
        ended=ended,
        exit_code=exit_code,
        read=sum(1 for use in uses.values() if use & Use.READ),
        missed=files(Use.READ),
        examined=files(Use.EXAMINED),
        absent=files(Use.ABSENT),
        listed=_apart((n for n, u in uses.items() if u & Use.LISTED), ignored),
        written=_apart((n for n, u in facts.uses.items() if u & Use.WRITTEN), ignored),
        network=tuple(sorted(facts.network)),
        inputs=(*planned.inputs, *proposed),
        tools=_tools(planned.tools or (), facts, ignored),
        incomplete=tuple(_incomplete(facts, unread)),
    )


def audit_lines(audit: Audit, *, everything: bool = False) -> list[str]:
    """The answer for people; `everything` shows every path."""
    most = MOST_PATHS if everything else MOST_SHOWN  # no list is longer
    count = plural(audit.read, "file")
    lines = [f"{audit.check}: {audit.ended}; {count} of the tree read"]
    lines += [f"  not the whole story: {reason}" for reason in audit.incomplete]
    for title, files in (
        ("read, and not in inputs", audit.missed),
        ("looked at (there or not, times, size), and not in inputs", audit.examined),
        ("looked for and absent, and not in inputs", audit.absent),
        ("folders listed", audit.listed),
        ("written", audit.written),
    ):
        lines += _section(title, files, most)
    lines += _section("network", Files(audit.network), most)
    lines += ["to declare, after a look at it:"]
    lines += _yaml("inputs", audit.inputs) + _yaml("tools", audit.tools)
    lines.append("One run did this; another may do more. No verdict rests on an audit.")
    return [sanitise(line) for line in lines]


def _section(title: str, files: Files, most: int) -> list[str]:
    if not files.files and not files.ignored:
        return []
    lines = [f"{title}:", *(f"  {name}" for name in files.files[:most])]
    if len(files.files) > most:
        lines.append(f"  and {len(files.files) - most} more (-v or --json: all)")
    tops: dict[str, int] = {}
    for name in files.ignored:
        first, slash, _ = name.partition("/")
        tops[first + slash] = tops.get(first + slash, 0) + 1
    lines += [f"  {top} ({count}, ignored by git)" for top, count in sorted(tops.items())[:most]]
    return lines


def _yaml(key: str, values: Sequence[str]) -> list[str]:
    """The key as it can be pasted below a check: JSON strings are YAML strings."""
    if not values:
        return [f"    {key}: []"]
    quoted = (json.dumps(value, ensure_ascii=False) for value in values)
    return [f"    {key}:", *(f"      - {value}" for value in quoted)]


def _settled(uses: Mapping[bytes, Use]) -> Iterator[tuple[bytes, Use]]:
    """Each path with what counts of its uses; nothing of what lies in a folder the check made."""
    made = {name for name, use in uses.items() if use & Use.MADE}
    for name, use in uses.items():
        if made and any(folder in made for folder in _folders_of(name)):
            continue
        counts = use & ~Use.READ if use & Use.LISTED else use
        yield name, counts & ~Use.EXAMINED if use & (Use.READ | Use.LISTED) else counts


def _is_input(use: Use) -> bool:
    """Also a file whose times alone were asked for: a cache (bytecode, ruff's) stands for it."""
    return bool(use & Use.READ) or use & (Use.FILE | Use.WRITTEN) == Use.FILE


def _folders_of(name: bytes) -> Iterator[bytes]:
    while b"/" in name:
        name = name.rpartition(b"/")[0]
        yield name


def _covered(planned: PlannedCheck, names: Iterable[bytes]) -> set[bytes]:
    if not planned.inputs:
        return set()
    try:
        globs = Globs({"": planned.inputs})
    except LanguageError:
        return set()
    return {name for name in names if globs.owners_of(name)}


def _apart(names: Iterable[bytes], ignored: Collection[bytes]) -> Files:
    found = sorted(names)
    return Files(
        tuple(_shown(name) for name in found if name not in ignored),
        tuple(_shown(name) for name in found if name in ignored),
    )


def _tools(
    declared: Collection[str], facts: Accesses, ignored: Collection[bytes]
) -> tuple[str, ...]:
    """Programs of the tree that git knows are inputs; all others can be asked for their version."""
    programs = []
    shell = facts.shell.rpartition(b"/")[2]  # the key holds it already
    for path in facts.ran:
        if path.rpartition(b"/")[2] == shell:
            continue
        name = facts.name_of(path)
        if name is None:
            programs.append(path.rpartition(b"/")[2])
        elif name in ignored:
            programs.append(name)
    asked = {tool.split(" ", 1)[0] for tool in declared}
    proposed = (t for t in tools_for(programs) if t.split(" ", 1)[0] not in asked)
    return (*declared, *proposed)


def _incomplete(facts: Accesses, unread: int) -> Iterable[str]:
    if not facts.leader_ended:
        yield "the tracer ended before the check"
    if unread or facts.orphaned():
        yield f"{plural(unread + facts.orphaned(), 'line')} of the tracer could not be used"
    if facts.asked_git:
        yield "it read files of .git, which cannot be inputs: a commit may change its result"
    if facts.cut:
        yield "more paths than can be kept: some are left out"
    for what in sorted(facts.unseen):
        yield f"it used {what}, which a tracer cannot look into"


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


def patterns_for(paths: Iterable[bytes]) -> tuple[str, ...]:
    """Patterns that match every path: one for all files of a suffix below one first folder.

    A file alone is named as it is. What is no UTF-8 cannot be written in a config, and is left out.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for path in sorted(paths):
        try:
            name = path.decode("utf-8")
        except UnicodeDecodeError:
            continue
        first, slash, _ = name.partition("/")
        suffix = posixpath.splitext(name)[1]
        together = (first, suffix) if slash and suffix else (name, "")
        groups.setdefault(together, []).append(name)
    patterns = (_pattern(names, suffix) for (_, suffix), names in groups.items())
    return tuple(sorted(pattern for pattern in patterns if len(pattern) <= LONGEST_PATTERN))


def tools_for(programs: Iterable[bytes]) -> tuple[str, ...]:
    """A question to each program: `NAME --version`, by its path where it lies in the tree."""
    words = {program.decode("utf-8", "replace") for program in programs}
    return tuple(sorted(f"{word} --version" for word in words if word and _PLAIN.issuperset(word)))


def _pattern(names: list[str], suffix: str) -> str:
    if len(names) == 1:
        return _literal(names[0])
    folders = {posixpath.dirname(name) for name in names}
    common = _literal(posixpath.commonpath(folders))
    below = "" if len(folders) == 1 else "**/"
    return f"{common}/{below}*{_literal(suffix)}"


def _literal(name: str) -> str:
    """The name as a pattern that means itself."""
    text = "".join(f"\\{c}" if c in _SPECIAL else c for c in name)
    return f"\\{text}" if text.startswith("!") else text
