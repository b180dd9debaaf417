"""Which checks a run is about (DESIGN section 3): ids, tags, and what they bring in.

Ids and tags narrow each other down: a check is asked for if it is named (where ids are given) and
has one of the tags (where tags are given). Then its requirements come in, unless they are not
wanted. What an excluded tag removes takes along every check that would need it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from vibeguard.core.lang.errors import quoted
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.planning.graph import closure, dependents_of
from vibeguard.core.problems import UsageError
from vibeguard.core.wording.suggest import did_you_mean
from vibeguard.core.wording.units import some


class Selection(Struct, frozen=True):
    """The checks of a run in config order, and a line for each kind of thing that was left out."""

    checks: tuple[CheckConfig, ...]
    notes: tuple[str, ...] = ()


def select(
    config: Config,
    ids: Sequence[str] = (),
    tags: Sequence[str] = (),
    exclude_tags: Sequence[str] = (),
    no_deps: bool = False,
    *,
    among: Collection[str] | None = None,
) -> Selection:
    """The checks that a command line asks for.

    `among` are the ids that something else leaves of them (a change, an earlier run); where none
    are left of that, the selection is empty. Without dependencies, requirements on checks that are
    not selected are dropped: nothing that is returned requires anything that is not. Raises
    `UsageError` for an id or tag that the config does not have, and where tags leave nothing.
    """
    by_id = {check.id: check for check in config.checks}
    _refuse_unknown(config, by_id, ids, (*tags, *exclude_tags))
    named, tagged, left_out = set(ids), set(tags), set(exclude_tags)
    asked = [check.id for check in config.checks if _is_asked_for(check, named, tagged)]
    if not asked:
        what = f"none of the named checks has the tag {','.join(tags)}"
        raise UsageError(what, "name others, or leave out --tags")
    excluded = {check.id for check in config.checks if not left_out.isdisjoint(check.tags)}
    requires = {name: [entry.check for entry in check.requires] for name, check in by_id.items()}
    brings = (lambda _: ()) if no_deps else requires.__getitem__
    taken_along: set[str] = set()
    if excluded and not no_deps:
        taken_along = closure(excluded, dependents_of(requires).__getitem__) - excluded
    gone = excluded | taken_along
    if gone.issuperset(asked):
        raise _all_excluded(exclude_tags, closure(asked, brings), taken_along)
    if among is not None:
        asked = [name for name in asked if name in among]
    # A requirement is only there for those who need it: what nobody needs any more goes too.
    left = closure((name for name in asked if name not in gone), brings)
    notes = _exclusion_notes(config, asked, excluded, taken_along, exclude_tags)
    checks = [check for check in config.checks if check.id in left]
    dropped = {name for check in checks for name in requires[check.id]} - left
    if dropped:
        checks = [_without(check, dropped) for check in checks]
        names = [check.id for check in config.checks if check.id in dropped]
        notes += (f"not run, though required (--no-deps): {some(names)}",)
    return Selection(tuple(checks), notes)


def _without(check: CheckConfig, dropped: Collection[str]) -> CheckConfig:
    kept = tuple(entry for entry in check.requires if entry.check not in dropped)
    return check if len(kept) == len(check.requires) else replace(check, requires=kept)


def _refuse_unknown(
    config: Config, by_id: Mapping[str, CheckConfig], ids: Iterable[str], tags: Iterable[str]
) -> None:
    """Name every id that there is not; where the ids are right, every tag that no check has."""
    absent = [name for name in dict.fromkeys(ids) if name not in by_id]
    if absent:
        do = _meant(absent, by_id) or "vibeguard list shows the checks"
        raise UsageError(f"there is no check {' and no '.join(map(quoted, absent))}", do)
    known = dict.fromkeys(tag for check in config.checks for tag in check.tags)
    absent = [tag for tag in dict.fromkeys(tags) if tag not in known]
    if absent:
        do = _meant(absent, known) or "vibeguard tags shows the tags"
        raise UsageError(f"no check has the tag {' or '.join(map(quoted, absent))}", do)


def _meant(absent: Iterable[str], known: Iterable[str]) -> str:
    """What may have been meant, for each name that something is like."""
    known = list(known)
    return "; ".join(filter(None, (did_you_mean(name, known) for name in absent)))


def _is_asked_for(check: CheckConfig, ids: Collection[str], tags: set[str]) -> bool:
    return (not ids or check.id in ids) and (not tags or not tags.isdisjoint(check.tags))


def _exclusion_notes(
    config: Config,
    asked: Collection[str],
    excluded: Collection[str],
    taken_along: Collection[str],
    exclude_tags: Sequence[str],
) -> tuple[str, ...]:
    """One line on what an excluded tag removed of what was asked for, and what went with it."""
    order = [check.id for check in config.checks]
    asked = set(asked)
    removed = [name for name in order if name in asked and name in excluded]
    along = [name for name in order if name in asked and name in taken_along]
    if not removed and not along:
        return ()
    flag = f"--exclude-tags {','.join(exclude_tags)}"
    parts = []
    if removed:
        parts.append(f"left out by {flag}: {some(removed)}")
    if along:
        needed = [name for name in order if name in excluded]
        why = "they require them" if removed else f"they require {some(needed)} ({flag})"
        parts.append(f"left out because {why}: {some(along)}")
    return ("; ".join(parts),)


def _all_excluded(
    exclude_tags: Sequence[str], wanted: Collection[str], taken_along: Collection[str]
) -> UsageError:
    what = f"--exclude-tags {','.join(exclude_tags)} leaves nothing to run"
    if not set(wanted).isdisjoint(taken_along):
        what += ": the other checks require excluded ones"
    return UsageError(what, "exclude fewer tags, or add --no-deps")
