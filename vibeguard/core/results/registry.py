"""The readers by the name that a config gives them. To add one: a file in `readers`, and a line.

A linter's is a function in `json_linters`, and a line.
"""

from functools import partial
from importlib import import_module

from vibeguard.core.model.results import ResultsSource
from vibeguard.core.results.base import MakeReader

# `results: {NAME: FILE or output}`
FORMATS = {
    "junit": "vibeguard.core.results.readers.junit:JUnitReader",
    "sarif": "vibeguard.core.results.readers.sarif:SarifReader",
    "ctrf": "vibeguard.core.results.readers.ctrf:CtrfReader",
    "tap": "vibeguard.core.results.readers.tap:TapReader",
}
# `results: {json: NAME}`
JSON_TOOLS = {
    "bandit": "vibeguard.core.results.readers.json_linters:bandit",
    "basedpyright": "vibeguard.core.results.readers.json_linters:pyright",
    "cargo": "vibeguard.core.results.readers.cargo:CargoReader",
    "eslint": "vibeguard.core.results.readers.json_linters:eslint",
    "go-test": "vibeguard.core.results.readers.go_test:GoTestReader",
    "golangci-lint": "vibeguard.core.results.readers.json_linters:golangci_lint",
    "jest": "vibeguard.core.results.readers.jest:JestReader",
    "mypy": "vibeguard.core.results.readers.mypy:MypyReader",
    "pylint": "vibeguard.core.results.readers.json_linters:pylint",
    "pyright": "vibeguard.core.results.readers.json_linters:pyright",
    "pytest-json-report": "vibeguard.core.results.readers.pytest_json:PytestJsonReader",
    "ruff": "vibeguard.core.results.readers.json_linters:ruff",
    "shellcheck": "vibeguard.core.results.readers.json_linters:shellcheck",
    "stylelint": "vibeguard.core.results.readers.json_linters:stylelint",
    "vitest": "vibeguard.core.results.readers.jest:JestReader",
}


def reader_of(source: ResultsSource) -> MakeReader:
    """What makes the reader of a source."""
    form, _, name = source.reader.partition(" ")
    if form != "matcher":
        return maker(JSON_TOOLS[name] if form == "json" else FORMATS[form])
    from vibeguard.core.results.matchers import MATCHERS  # noqa: PLC0415 - only if used
    from vibeguard.core.results.readers.matching import MatchingReader  # noqa: PLC0415

    return partial(MatchingReader, source.matchers or MATCHERS[name])


def maker(target: str) -> MakeReader:
    """What stands behind `module:name`, imported when it is wanted."""
    module, _, name = target.partition(":")
    made: MakeReader = getattr(import_module(module), name)
    return made
