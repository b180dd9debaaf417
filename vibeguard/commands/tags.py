"""`vibeguard tags`."""

from collections.abc import Sequence

from msgspec import Struct

from vibeguard.commands.columns import columns
from vibeguard.commands.loading import load, matching
from vibeguard.commands.options import GlobalOptions
from vibeguard.commands.streams import write_answer
from vibeguard.core.model.config import CheckConfig


class Tag(Struct, frozen=True):
    """One tag, and the checks that have it."""

    tag: str
    checks: tuple[str, ...]


class TagList(Struct, frozen=True):
    """`tags --json`."""

    tags: tuple[Tag, ...]


def list_tags(*, common: GlobalOptions) -> int:
    """List the tags in alphabetical order, one a line; with -v the checks that have each."""
    tags = tags_of(matching(load(common).config, common))
    rows = [[tag.tag, ", ".join(tag.checks)] if common.verbose else [tag.tag] for tag in tags]
    write_answer(TagList(tags), columns(rows), as_json=common.json)
    return 0


def tags_of(checks: Sequence[CheckConfig]) -> tuple[Tag, ...]:
    """Every tag with its checks: tags in alphabetical order, checks in that of the config."""
    users: dict[str, list[str]] = {}
    for check in checks:
        for tag in check.tags:
            users.setdefault(tag, []).append(check.id)
    return tuple(Tag(tag, tuple(users[tag])) for tag in sorted(users))
