"""The tables of docs/configuration.md, made from the table of keys."""

from msgspec import NODEFAULT, Struct, structs

from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.model.config_parts import Prompt, Where
from vibeguard.core.model.keys import Duration, KeyField, Size, keys_of
from vibeguard.core.model.notification import Notification
from vibeguard.core.model.settings import CheckDefaults, PoolSettings, Settings

_TABLES: dict[str, type[Struct]] = {
    "config": Config,
    "prompts": Prompt,
    "checks": CheckConfig,
    "settings": Settings,
    "where": Where,
    "pool": PoolSettings,
    "notify": Notification,
}
_HOUR_NS = 3600 * 10**9
_DURATIONS = {"h": _HOUR_NS, "s": 10**9, "ms": 10**6}
_SIZES = {"GiB": 1 << 30, "MiB": 1 << 20}


def with_tables(page: str) -> str:
    """The page with every `<!-- keys: NAME -->` table as the table of keys has it."""
    for name, struct in _TABLES.items():
        begin, end = f"<!-- keys: {name} -->\n", f"<!-- end of {name} -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"docs/configuration.md has no {begin.strip()} ... {end}")
        page = before + begin + _table(struct) + end + after
    return page


def _table(struct: type[Struct]) -> str:
    fields = {field.name: field for field in structs.fields(struct)}
    # What a check must have comes first, what it leaves to the settings last.
    own = [
        (name, of)
        for name, of in keys_of(struct).items()
        if struct is not CheckConfig or of.field not in CheckDefaults.__struct_fields__
    ]
    rows = own + [row for row in keys_of(struct).items() if row not in own]
    lines = ["| field | default | meaning |", "|---|---|---|"]
    for name, of in rows:
        doc = of.key.doc.replace("|", r"\|")
        default = "settings" if (name, of) not in own else _default(of, fields[of.field])
        lines.append(f"| `{name}` | {default} | {doc} |")
    return "\n".join(lines) + "\n"


def _default(of: KeyField, field: structs.FieldInfo) -> str:
    """A default as it would be written in the file."""
    if of.key.default:
        return of.key.default
    if field.required:
        return "required"
    value = field.default if field.default is not NODEFAULT else field.default_factory()
    if isinstance(value, tuple) and value:
        return f"`[{', '.join(value)}]`"
    if value in (None, "", (), {}) or isinstance(value, Struct):
        return "none"
    if isinstance(of.key.kind, Duration):
        return f"`{_in_units(value, _DURATIONS)}`"
    if isinstance(of.key.kind, Size):
        return f"`{_in_units(value, _SIZES)}`"
    return f"`{str(value).lower()}`"


def _in_units(value: int, units: dict[str, int]) -> str:
    return next(f"{value // size}{unit}" for unit, size in units.items() if value % size == 0)
