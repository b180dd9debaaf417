"""Shell scripts, and the tests of bats."""

from collections.abc import Iterator

from vibeguard.core.proposing.base import Project, Proposal, parent

_SCRIPTS = "find . -name '*.sh' -not -path './.git/*' -not -path '*/node_modules/*'"
_SYNTAX = f"""\
test -n "$({_SCRIPTS})" || {{ echo "there is no *.sh file: nothing would be checked"; exit 1; }}
{_SCRIPTS} -print0 | xargs -0 -n 1 bash -n
"""


def detect(project: Project, path: str) -> Iterator[Proposal]:
    """Whether every script parses; shellcheck where it is set up."""
    yield Proposal(id="shell-syntax", run=_SYNTAX, source=path, language="shell", tool="bash -n")
    if ".shellcheckrc" in project.files:
        yield Proposal(
            id="shellcheck",
            run=f"{_SYNTAX.splitlines()[0]}\n{_SCRIPTS} -exec shellcheck {{}} +\n",
            source=".shellcheckrc",
            language="shell",
            tool="shellcheck",
            tags=("fast", "lint"),
            results="{matcher: shellcheck}",
        )


def detect_bats(project: Project, path: str) -> Iterator[Proposal]:  # noqa: ARG001 - one for all
    """The tests of the folder that a test file lies in."""
    folder = parent(path)
    yield Proposal(
        id="bats",
        run="bats --tap .",
        source=path,
        language="shell",
        tool=f"bats {folder}",
        folder=folder,
        tags=("test",),
        timeout="10m",
        results="{tap: output}",
        expect="{min: 1}",
    )
