"""The files that commands hand out (`init`, `prompt`, `hook`, …); they lie beside this module.

A config runs as it is, with the tools that are usual for its kind. No check of one hides a missing
tool (`|| true`): one that passes because a tool is missing is worse than none. What a project may
not have yet is a warning; suites get a timeout above 60 s, and so run in the background.
"""

from importlib.resources import files

TEMPLATES = {
    "bash": "shell scripts: bash -n, shellcheck, shfmt, tests",
    "bun-typescript": "TypeScript on Bun: types, lint, tests with coverage",
    "generic": "any git repository with a Makefile",
    "go-minimal": "a Go module with the Go tools alone: gofmt, vet, test",
    "go-standard": "a Go module with linter, race detector and a coverage threshold",
    "node-javascript": "JavaScript on Node.js with npm: syntax, lint, tests, audit",
    "node-typescript": "TypeScript on Node.js with npm: types, lint, tests, build",
    "python-pip": "Python with ruff, mypy, pytest and coverage in the active environment",
    "python-poetry": "Python managed by Poetry: ruff, mypy, pytest, coverage",
    "python-uv": "Python managed by uv: ruff, mypy, pytest, coverage",
    "rust-cargo": "a Rust crate or workspace: fmt, clippy, test, doc",
}


def config_template(name: str) -> str:
    """The text of a config template; `name` is one of TEMPLATES."""
    return _read(f"{name}.yaml")


def guide() -> str:
    """What a coding agent is to know to write a good config."""
    return _read("assist.md")


def agent_section() -> str:
    """What tells a coding agent how to use VibeGuard, as a section of AGENTS.md."""
    return _read("agent.md")


def skill_head() -> str:
    """What a skill of a coding agent begins with."""
    return _read("skill.md")


def hook_script(name: str, *, find: str = "", place: str = "") -> str:
    """The shell script of a hook.

    `find` are lines that find the program where PATH does not, `place` those that go to where the
    config is found.
    """
    script = _read(f"hooks/{name}.sh").replace("@FIND@\n", f"{find}\n" if find else "\n")
    return script.replace("@PLACE@", f"{place}\n" if place else "")


def completion_of_ids(shell: str) -> str:
    """What completes the ids of checks, behind the parser's script: bash, zsh or fish."""
    return _read(f"completion/{shell}")


def _read(path: str) -> str:
    return (files(__name__) / path).read_text(encoding="utf-8")
