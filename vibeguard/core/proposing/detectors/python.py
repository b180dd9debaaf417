"""Python: the tables and dependencies of pyproject.toml, requirements, files of settings."""

import re
import tomllib
from collections.abc import Iterator

from msgspec.structs import replace

from vibeguard.core.proposing.base import Project, Proposal, name_of, parent
from vibeguard.core.proposing.known_tools import PYTHON, python_check

# What brings the tools into a command's environment, by the file that says so.
_RUNNERS = {
    "uv.lock": "uv run ",
    "poetry.lock": "poetry run ",
    "pdm.lock": "pdm run ",
    "Pipfile.lock": "pipenv run ",
}
_SETTINGS = {
    "ruff.toml": "ruff",
    ".ruff.toml": "ruff",
    "mypy.ini": "mypy",
    ".mypy.ini": "mypy",
    ".flake8": "flake8",
    ".isort.cfg": "isort",
    "pyrightconfig.json": "pyright",
    "pytest.ini": "pytest",
    "conftest.py": "pytest",
}
_SECTIONS = frozenset({"tool:pytest", "pytest", "mypy", "flake8", "isort"})  # of setup.cfg, tox.ini
# Where the settings of mypy name what is checked, the command line must not.
_MYPY_FILES = re.compile(r"^(?:files|packages|modules)\s*=", re.MULTILINE)
_NAME = re.compile(r"\s*([A-Za-z0-9][\w.-]*)")
_SECTION = re.compile(r"^\[([\w:.-]+)\]\s*$", re.MULTILINE)


def detect(project: Project, path: str) -> Iterator[Proposal]:
    """The tools that a file of settings or dependencies names, where there is Python to check."""
    folder = _home(path)
    if not project.any_below(folder, ".py"):
        return
    runner = _RUNNERS.get(project.nearest(folder, *_RUNNERS), "python -m ")
    for name in _named(path, project.texts.get(path, "")):
        if name == "pytest" and not _has_tests(project, folder):
            continue
        check = python_check(name, runner, path, folder)
        if name == "mypy" and _MYPY_FILES.search(project.texts.get(path, "")):
            check = replace(check, run=check.run.removesuffix(" ."))
        yield check


def _home(path: str) -> str:
    """The folder that a file speaks for: requirements and conftest often stand one below."""
    folder = parent(path)
    if name_of(folder) in ("requirements", "tests", "test"):
        return parent(folder)
    return folder


def _has_tests(project: Project, folder: str) -> bool:
    start = f"{folder}/" if folder else ""
    return any(
        file.startswith(start) and (name_of(file).startswith("test_") or file.endswith("_test.py"))
        for file in project.files
        if file.endswith(".py")
    )


def _named(path: str, text: str) -> list[str]:
    name = name_of(path)
    if name in _SETTINGS:
        return [_SETTINGS[name]]
    if name == "pyproject.toml":
        found = _in_pyproject(text)
    elif name.endswith(".txt"):
        found = {match[1].lower() for line in text.splitlines() if (match := _NAME.match(line))}
    else:
        own = _SECTIONS.intersection(_SECTION.findall(text))
        found = {section.removeprefix("tool:") for section in own}
    return [tool for tool in PYTHON if tool in found]


def _in_pyproject(text: str) -> set[str]:
    """The tools of its tables, and of its groups of dependencies."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return set()
    tables = _table(document, "tool")
    found = {tool for tool in PYTHON if tool in tables}
    if "format" in _table(tables, "ruff"):
        found.add("ruff format")
    lists = [_table(document, "project").get("dependencies")]
    lists += _table(_table(document, "project"), "optional-dependencies").values()
    lists += _table(document, "dependency-groups").values()
    for words in lists:
        if isinstance(words, list):
            found |= {match[1].lower() for word in words if (match := _NAME.match(str(word)))}
    poetry = _table(tables, "poetry")
    for group in (poetry, *_table(poetry, "group").values()):
        for key in ("dependencies", "dev-dependencies"):
            found |= set(_table(group, key))
    return found


def _table(document: object, key: str) -> dict[str, object]:
    """The table of that name; an empty one where there is none."""
    found = document.get(key) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}
