"""Go: a module with Go in it."""

from collections.abc import Iterator

from vibeguard.core.proposing.base import Project, Proposal, inside, parent

_LINTER = (".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json")


def detect(project: Project, path: str) -> Iterator[Proposal]:
    """What the Go tools check; the linter where it is set up; tests where there are some."""
    folder = parent(path)
    if not project.any_below(folder, ".go"):
        return

    def check(name: str, tool: str, run: str, *, fix: str = "", timeout: str = "60s") -> Proposal:
        return Proposal(
            id=name,
            run=run,
            source=path,
            language="go",
            tool=tool,
            folder=folder,
            fix=fix,
            timeout=timeout,
        )

    # gofmt exits 0 whatever it finds: what it lists is the finding.
    listed = 'files=$(gofmt -l .) && echo "$files" && test -z "$files"'
    yield check("fmt", "gofmt", listed, fix="gofmt -w .")
    yield check("vet", "go vet", "go vet ./...")
    if any(inside(folder, name) in project.files for name in _LINTER):
        yield check("golangci", "golangci-lint", "golangci-lint run ./...", timeout="5m")
    if project.any_below(folder, "_test.go"):
        yield Proposal(
            id="test",
            run="go test -json ./...",
            source=path,
            language="go",
            tool="go test",
            folder=folder,
            tags=("test",),
            timeout="10m",
            results="{json: go-test}",
            expect="{min: 1}",
        )
