"""Rust: a crate, or a workspace of them."""

import re
from collections.abc import Iterator

from vibeguard.core.proposing.base import Project, Proposal, inside, parent
from vibeguard.core.proposing.known_tools import CARGO

_WORKSPACE = re.compile(r"^\[workspace\b", re.MULTILINE)


def detect(project: Project, path: str) -> Iterator[Proposal]:
    """Format, lints and tests; a member of a workspace is checked with its workspace."""
    folder = parent(path)
    if not project.any_below(folder, ".rs") or _in_a_workspace(project, folder):
        return
    locked = " --locked" if inside(folder, "Cargo.lock") in project.files else ""
    # cargo locks its target folder: one after the other, instead of with their timeouts running.
    group = f"target-{folder.replace('/', '-')}" if folder else "target"
    for name, tool, run, fix in (
        ("fmt", "cargo fmt", "cargo fmt --all --check", "cargo fmt --all"),
        ("clippy", "cargo clippy", f"cargo clippy{locked} --all-targets -- -D warnings", ""),
        ("test", "cargo test", f"cargo test{locked}", ""),
    ):
        yield Proposal(
            id=name,
            run=run,
            source=path,
            language="rust",
            tool=tool,
            folder=folder,
            tags={"test": ("test",), "fmt": ("fast",)}.get(name, ("lint",)),
            timeout="60s" if name == "fmt" else "15m",
            fix=fix,
            results="{matcher: cargo}" if name == "clippy" else "",
            guard=CARGO if name == "test" else None,
            group="" if name == "fmt" else group,
        )


def _in_a_workspace(project: Project, folder: str) -> bool:
    while folder:
        folder = parent(folder)
        if _WORKSPACE.search(project.texts.get(inside(folder, "Cargo.toml"), "")):
            return True
    return False
