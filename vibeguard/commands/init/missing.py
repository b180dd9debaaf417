"""Which tool a check lacks on this machine, judged by its output, and how to install it."""

import os
import re
import tomllib

# How a tool that is not here is missed: by Python, by a shell, by make.
_MODULE = re.compile(r"No module named '?([\w.]+)")
_COMMANDS = (
    re.compile(r"([\w./@+-]+): (?:command )?not found"),
    re.compile(r"^make(?:\[\d+\])?: ([\w./@+-]+): No such file or directory", re.MULTILINE),
)
# What a shell or make says of a command that is not there, and then goes on as if it had run.
_IN_PASSING = re.compile(
    rb"^(?:[\w/.-]*sh: (?:line )?(?:\d+: )?|make(?:\[\d+\])?: )([\w./@+-]+): "
    rb"(?:(?:command )?not found|No such file or directory)$",
    re.MULTILINE,
)
_MOST_BYTES = 1 << 20
_LOCKS = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lock": "bun"}
_FOR_TESTS = ("tests", "test", "testing", "dev", "develop", "development")


def missing_tool(text: str) -> str:
    """What a failed check did not find, as a sentence, from its output; empty if it says none."""
    module = _MODULE.search(text)
    if module is not None:
        return f"{module[1]} is not installed here{_packages_first() or _python_first()}"
    found = next((one for pattern in _COMMANDS if (one := pattern.search(text))), None)
    return f"{found[1]} is not installed here{_packages_first()}" if found else ""


def passed_without(log_file: str | None) -> str:
    """The command that a check did not find although it passed; empty if none."""
    try:
        with open(log_file or os.devnull, "rb") as file:
            found = _IN_PASSING.search(file.read(_MOST_BYTES))
    except OSError:
        return ""
    return found[1].decode() if found else ""


def _packages_first() -> str:
    """The command to run first where a project's npm packages are not installed yet."""
    if not os.path.exists("package.json") or os.path.exists("node_modules"):
        return ""
    manager = next((_LOCKS[name] for name in _LOCKS if os.path.exists(name)), "npm")
    return f": {manager} install first (no node_modules)"


def _python_first() -> str:
    """The pip command that installs the packages for tests, if pyproject.toml names them."""
    try:
        with open("pyproject.toml", "rb") as file:
            document = tomllib.load(file)
    except (OSError, ValueError, RecursionError):
        return ""
    groups, project = document.get("dependency-groups"), document.get("project")
    extras = project.get("optional-dependencies") if isinstance(project, dict) else None
    for names, command in ((groups, "--group {}"), (extras, "-e '.[{}]'")):
        name = next((n for n in _FOR_TESTS if isinstance(names, dict) and n in names), None)
        if name is not None:
            return f": pip install {command.format(name)} first"
    return ""
