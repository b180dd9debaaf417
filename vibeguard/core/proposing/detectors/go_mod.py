"""Go: a module with Go in it."""

from collections.abc import Iterator
from functools import partial

from vibeguard.core.proposing.base import Project, Proposal, inside, parent

_LINTER = (".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json")


def detect(project: Project, path: str) -> Iterator[Proposal]:
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
