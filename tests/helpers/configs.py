"""Short ways to load a config in a test and to look at what is wrong with it."""

from vibeguard.core.config.load import load_config
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.problems import ConfigError, Problem

FILE = "vibeguard.yaml"


def load(text: str | bytes) -> Config:
    """The config of a text."""
    return load_config(text.encode() if isinstance(text, str) else text, FILE)


def load_check(*lines: str, more: str = "") -> CheckConfig:
    """The check with the id `a` that has these lines besides; `more` is put below."""
    return load(check(*lines) + more).checks[0]


def check(*lines: str) -> str:
    """A config with one check that has these lines, the first of which is line 4."""
    return "checks:\n  - id: a\n    run: x\n" + "".join(f"    {line}\n" for line in lines)


def problems(text: str | bytes) -> list[Problem]:
    """What is wrong with a config; none if nothing is."""
    try:
        load(text)
    except ConfigError as error:
        return list(error.problems)
    return []


def complaints(text: str | bytes) -> list[str]:
    """The same as `line:column: what` and what to do."""
    return [f"{p.line}:{p.column}: {p.what}: {p.do}" for p in problems(text)]


def only_complaint(text: str | bytes) -> str:
    """The one thing that is wrong with a config."""
    (complaint,) = complaints(text)
    return complaint
