"""tox.ini and noxfile.py: environments and sessions that check."""

import ast
import configparser
from collections.abc import Iterator

from vibeguard.core.proposing.base import Project, Proposal
from vibeguard.core.proposing.recipes import recipe


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
