"""What a build tool checks of a project: Cargo, Go, Gradle and Maven."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from vibeguard.core.proposing.base import Project, Proposal, inside, parent, quoted
from vibeguard.core.proposing.known_tools import CARGO

_WORKSPACE = re.compile(r"^\[workspace\b", re.MULTILINE)
_LINTER = (".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json")
_GRADLE: Final = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
_JVM_BUILDS: Final = ("pom.xml", *_GRADLE)
_JVM_SOURCES: Final = (".java", ".kt", ".scala", ".groovy")


def detect_cargo(project: Project, path: str) -> Iterator[Proposal]:
    """Format, lints and tests; a member of a workspace is checked with its workspace."""
    folder = parent(path)
    if not project.any_below(folder, ".rs") or _in_a_workspace(project, folder):
        return
    locked = " --locked" if inside(folder, "Cargo.lock") in project.files else ""
    # cargo locks its target folder: one after the other, instead of with their timeouts running.
    group = f"target-{folder.replace('/', '-')}" if folder else "target"
    check = partial(Proposal, source=path, language="rust", folder=folder)
    slow = partial(check, timeout="15m", group=group)
    run = "cargo fmt --all --check"
    yield check(id="fmt", tool="cargo fmt", run=run, fix=run.removesuffix(" --check"))
    run = f"cargo clippy{locked} --all-targets -- -D warnings"
    found = "{matcher: cargo}"
    yield slow(id="clippy", tool="cargo clippy", run=run, tags=("lint",), results=found)
    run = f"cargo test{locked}"
    yield slow(id="test", tool="cargo test", run=run, tags=("test",), guard=CARGO)


def _in_a_workspace(project: Project, folder: str) -> bool:
    while folder:
        folder = parent(folder)
        if _WORKSPACE.search(project.texts.get(inside(folder, "Cargo.toml"), "")):
            return True
    return False


def detect_go(project: Project, path: str) -> Iterator[Proposal]:
    """What the Go tools check; the linter where it is set up; tests where there are some."""
    folder = parent(path)
    if not project.any_below(folder, ".go"):
        return
    check = partial(Proposal, source=path, language="go", folder=folder)
    # gofmt exits 0 whatever it finds: what it lists is the finding.
    listed = 'files=$(gofmt -l .) && echo "$files" && test -z "$files"'
    yield check(id="fmt", tool="gofmt", run=listed, fix="gofmt -w .")
    yield check(id="vet", tool="go vet", run="go vet ./...")
    if any(inside(folder, name) in project.files for name in _LINTER):
        run = "golangci-lint run ./..."
        yield check(id="golangci", tool="golangci-lint", run=run, timeout="5m")
    if project.any_below(folder, "_test.go"):
        yield check(
            id="test",
            tool="go test",
            run="go test -json ./...",
            tags=("test",),
            timeout="10m",
            results="{json: go-test}",
            expect="{min: 1}",
        )


def detect_jvm(project: Project, path: str) -> Iterator[Proposal]:
    """What the build checks by itself, with the report of every test in it."""
    folder = parent(path)
    first = next(name for name in _JVM_BUILDS if inside(folder, name) in project.files)
    within_another = folder and project.nearest(parent(folder), *_JVM_BUILDS)
    if (
        inside(folder, first) != path
        or within_another
        or not project.any_below(folder, *_JVM_SOURCES)
    ):
        return
    maven = first == "pom.xml"
    wrapper, program = ("mvnw", "mvn") if maven else ("gradlew", "gradle")
    if inside(folder, wrapper) in project.files:
        program = f"./{wrapper}"
    reports = "**/target/*-reports/TEST-*.xml" if maven else "**/build/test-results/*/*.xml"
    own = inside(re.sub(r"[*?[]", r"[\g<0>]", folder), reports)  # not those of another build
    yield Proposal(
        id="verify" if maven else "check",
        run=f"{program} -B verify" if maven else f"{program} --no-daemon check",
        source=path,
        language="java",
        tool=program,
        folder=folder,
        tags=("test",),
        timeout="20m",
        results=f"{{junit: {quoted(own)}}}",
        stale="allow",  # a build does not test again what has not changed
        expect="{min: 1}",
    )
