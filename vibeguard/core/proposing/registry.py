"""Every detector, and the files that it reads; the first that proposes a tool words its check."""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from vibeguard.core.proposing.base import Detector, Project, Proposal
from vibeguard.core.proposing.detectors import (
    builds,
    package_json,
    python,
    sessions,
    shell_scripts,
    yaml_files,
)

# Folders whose files are somebody else's, or are there to be wrong.
LEFT_OUT = frozenset(
    {
        *(".git", ".hg", ".svn", ".vibeguard", ".venv", "venv", ".tox", ".nox", "node_modules"),
        *("vendor", "third_party", "site-packages", "testdata", "fixtures", "examples"),
    }
)


class Entry(Struct, frozen=True):
    """Which paths a detector is asked about; `content`: it reads the file, not only its name."""

    paths: re.Pattern[str]
    detect: Detector
    content: bool = True


def _anywhere(names: str) -> re.Pattern[str]:
    return re.compile(rf"(?:.*/)?(?:{names})")


DETECTORS = (
    Entry(_anywhere(r"pyproject\.toml|setup\.cfg|tox\.ini"), python.detect),
    Entry(_anywhere(r"(?:requirements|dev|test)[\w.-]*\.txt"), python.detect),
    Entry(_anywhere(r"\.?ruff\.toml|\.?mypy\.ini|\.flake8|\.isort\.cfg"), python.detect),
    Entry(_anywhere(r"pyrightconfig\.json|pytest\.ini|conftest\.py"), python.detect, content=False),
    Entry(_anywhere(r"package\.json"), package_json.detect),
    Entry(_anywhere(r"go\.mod"), builds.detect_go, content=False),
    Entry(_anywhere(r"Cargo\.toml"), builds.detect_cargo),
    Entry(
        _anywhere(r"pom\.xml|(?:build|settings)\.gradle(?:\.kts)?"),
        builds.detect_jvm,
        content=False,
    ),
    Entry(_anywhere(r"[^/]+\.sh"), shell_scripts.detect, content=False),
    Entry(_anywhere(r"[^/]+\.bats"), shell_scripts.detect_bats, content=False),
    Entry(re.compile(r"GNUmakefile|[Mm]akefile"), sessions.detect_make),
    Entry(re.compile(r"tox\.ini"), sessions.detect_tox),
    Entry(re.compile(r"noxfile\.py"), sessions.detect_nox),
    Entry(re.compile(r"\.pre-commit-config\.yaml"), yaml_files.detect_hooks),
    Entry(re.compile(r"\.github/workflows/[^/]+\.ya?ml"), yaml_files.detect_commands),
)


def of_the_project(paths: Iterable[str]) -> Iterator[str]:
    """The paths that are the project's own."""
    return (path for path in paths if LEFT_OUT.isdisjoint(path.split("/")))


def reads(path: str) -> bool:
    """Whether a detector wants the content of this file."""
    return any(entry.content and entry.paths.fullmatch(path) for entry in DETECTORS)


def proposals(project: Project) -> Iterator[Proposal]:
    """What every detector proposes, files near the top first."""
    paths = sorted(project.files, key=lambda path: (path.count("/"), path))
    for entry in DETECTORS:
        for path in paths:
            if entry.paths.fullmatch(path):
                yield from entry.detect(project, path)
