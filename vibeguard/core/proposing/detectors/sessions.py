"""Targets, environments and sessions that check: of a Makefile, tox.ini and noxfile.py."""

import ast
import configparser
import re
from collections.abc import Iterator
from itertools import takewhile

from vibeguard.core.proposing.base import Project, Proposal
from vibeguard.core.proposing.known_tools import recipe

_RULE = re.compile(r"^([\w.-]+(?:[ \t]+[\w.-]+)*)[ \t]*::?(?![=:])")
_RUN = """\
if make -q {name} >/dev/null 2>&1; then echo "make {name} would run nothing"; exit 1; fi
make {name}
"""


def detect_make(project: Project, path: str) -> Iterator[Proposal]:
    """Those with a recipe of their own. Nothing passes because make calls it up to date."""
    lines = project.texts.get(path, "").splitlines()
    for number, line in enumerate(lines):
        rule = _RULE.match(line)
        if rule is None:
            continue
        body = takewhile(lambda text: text.startswith("\t"), lines[number + 1 :])
        text = "\n".join(text.strip(" \t@-") for text in body)
        for name in rule[1].split():
            run = _RUN.format(name=name)
            yield from recipe(name, text, run, source=path, language="make")


def detect_tox(project: Project, path: str) -> Iterator[Proposal]:
    """The environments that are named like a check, and the one for tests that has no name."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(project.texts.get(path, ""))
    except configparser.Error:
        return
    for section in parser.sections():
        name = section.removeprefix("testenv:")
        if name == "testenv":
            name, environment = "tests", "py"
        elif name == section:
            continue
        else:
            environment = name
        text = parser.get(section, "commands", fallback="")
        run = f"tox run -e {environment}"
        if text:
            yield from recipe(name, text, run, source=path, language="tox")


def detect_nox(project: Project, path: str) -> Iterator[Proposal]:
    """The sessions that are named like a check."""
    text = project.texts.get(path, "")
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for function in module.body:
        if not isinstance(function, ast.FunctionDef) or not _is_session(function):
            continue
        words = " ".join(
            str(node.value)
            for node in ast.walk(function)
            if isinstance(node, ast.Constant) and node.value is not ast.get_docstring(function)
        )
        run = f"nox -s {function.name}"
        yield from recipe(function.name, words, run, source=path, language="nox")


def _is_session(function: ast.FunctionDef) -> bool:
    """Whether `@nox.session`, with or without arguments, stands above it."""
    return any("nox.session" in ast.unparse(decorator) for decorator in function.decorator_list)
