"""Java, Kotlin and their like: a build of Gradle or Maven, with whatever projects are below it."""

import re
from collections.abc import Iterator
from typing import Final

from vibeguard.core.proposing.base import Project, Proposal, inside, parent, quoted

_GRADLE: Final = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
_BUILDS: Final = ("pom.xml", *_GRADLE)
_SOURCES: Final = (".java", ".kt", ".scala", ".groovy")


def detect(project: Project, path: str) -> Iterator[Proposal]:
    """What the build checks by itself, with the report of every test in it."""
    folder = parent(path)
    first = next(name for name in _BUILDS if inside(folder, name) in project.files)
    within_another = folder and project.nearest(parent(folder), *_BUILDS)
    if inside(folder, first) != path or within_another or not project.any_below(folder, *_SOURCES):
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
