"""The tables of docs/configuration.md: what a key means is written there, the rest in the code."""

import re
from pathlib import Path

from msgspec import NODEFAULT, Struct, structs

from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.model.config_parts import Prompt, Requirement, Where
from vibeguard.core.model.keys import Duration, Key, Size, keys_of
from vibeguard.core.model.notification import Notification
from vibeguard.core.model.results import Expectation, Quarantine
from vibeguard.core.model.settings import CheckDefaults, Links, PoolSettings, Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
_TABLES: dict[type[Struct], str] = {
    Config: "config",
    Prompt: "prompts",
    CheckConfig: "checks",
    Requirement: "requires",
    Expectation: "expect",
    Quarantine: "quarantine",
    Settings: "settings",
    Links: "links",
    Where: "where",
    PoolSettings: "pool",
    Notification: "notify",
}
_ROW = re.compile(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", re.MULTILINE)
_HOUR_NS = 3600 * 10**9
_DURATIONS = {"h": _HOUR_NS, "s": 10**9, "ms": 10**6}
_SIZES = {"GiB": 1 << 30, "MiB": 1 << 20}


def meaning_of(struct: type[Struct], name: str) -> str:
    """What a key means, as the page says it."""
    return _cells(PAGE.read_text(encoding="utf-8"), struct)[name][1].replace(r"\|", "|")


def with_tables(page: str) -> str:
    """The page with a row for each key in each table, in the code's order, and with its defaults.

    Raises ValueError for a key that the page does not explain.
    """
    for struct in _TABLES:
        before, _, after = _parts(page, struct)
        page = before + "".join(_rows(page, struct)) + after
    return page


def _parts(page: str, struct: type[Struct]) -> tuple[str, str, str]:
    """What stands before the rows of the table of a struct, these, and what follows."""
    name = _TABLES[struct]
    head = f"<!-- keys: {name} -->\n| field | default | meaning |\n|---|---|---|\n"
    end = f"<!-- end of {name} -->"
    before, found, rest = page.partition(head)
    rows, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"docs/configuration.md has no {head}... {end}")
    return before + head, rows, end + after


def _cells(page: str, struct: type[Struct]) -> dict[str, tuple[str, str]]:
    """Default and meaning of each key; what checks leave to the settings is explained there."""
    rows = {name: (default, text) for name, default, text in _ROW.findall(_parts(page, struct)[1])}
    if struct is CheckConfig:
        of_settings = _cells(page, Settings)
        rows |= {name: ("settings", of_settings[name][1]) for name in keys_of(CheckDefaults)}
    return rows


def _rows(page: str, struct: type[Struct]) -> list[str]:
    known, cells = keys_of(struct), _cells(page, struct)
    unexplained = [name for name in known if name not in cells]
    if unexplained:
        add = f"add a row to the table of {_TABLES[struct]}"
        raise ValueError(f"docs/configuration.md does not explain {', '.join(unexplained)}: {add}")
    fields = {field.name: field for field in structs.fields(struct)}
    # What a check must have comes first, what it leaves to the settings last.
    last = keys_of(CheckDefaults) if struct is CheckConfig else {}
    rows = []
    for name in (*(name for name in known if name not in last), *last):
        default, text = cells[name]
        if name not in last:
            default = _default(known[name], fields[known[name].field]) or default
        rows.append(f"| `{name}` | {default} | {text} |\n")
    return rows


def _default(key: Key, field: structs.FieldInfo) -> str:
    """A default as it would be written in the file; empty where the value does not speak."""
    if field.required:
        return "required"
    value = field.default if field.default is not NODEFAULT else field.default_factory()
    if isinstance(value, tuple) and value:
        return f"`[{', '.join(value)}]`"
    if value in (None, "", (), {}) or isinstance(value, Struct):
        return ""
    if isinstance(key.kind, Duration):
        return f"`{_in_units(value, _DURATIONS)}`"
    if isinstance(key.kind, Size):
        return f"`{_in_units(value, _SIZES)}`"
    return f"`{str(value).lower()}`"


def _in_units(value: int, units: dict[str, int]) -> str:
    return next(f"{value // size}{unit}" for unit, size in units.items() if value % size == 0)
