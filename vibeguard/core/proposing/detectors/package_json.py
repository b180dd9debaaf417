"""JavaScript and TypeScript: the scripts of package.json, and the compiler."""

import re
from collections.abc import Iterator

import msgspec

from vibeguard.core.problems import UNDECODABLE
from vibeguard.core.proposing.base import Project, Proposal, inside, parent
from vibeguard.core.proposing.known_tools import recipe

_MANAGERS = {
    "bun.lock": "bun run",
    "bun.lockb": "bun run",
    "pnpm-lock.yaml": "pnpm run",
    "yarn.lock": "yarn run",
    "package-lock.json": "npm run",
}
# A script that only calls other scripts.
_CALLS = re.compile(r"(?:npm|pnpm|yarn|bun|npm-run-all|run-[sp])(?: run)? [\w:.*-]+(?: [\w:.*-]+)*")


class _Package(msgspec.Struct):
    scripts: dict[str, object] = {}
    workspaces: object = None


def detect(project: Project, path: str) -> Iterator[Proposal]:
    """Its scripts that check; those of a workspace's members only where the root has none such."""
    folder = parent(path)
    package = _read(project.texts.get(path, ""))
    above = _workspace_above(project, folder)
    manager = _MANAGERS.get(project.nearest(folder, *_MANAGERS), "npm run")
    scripts = {name: text for name, text in package.scripts.items() if isinstance(text, str)}
    types = False
    for name, text in scripts.items():
        if name in above or all(_CALLS.fullmatch(part) for part in re.split(r" ?&& ?", text)):
            continue
        run = f"{manager} {name}"
        matcher = next((m for word, m in _MATCHERS.items() if re.search(rf"\b{word}\b", text)), "")
        for check in recipe(name, text, run, source=path, language="node"):
            types = types or bool(re.search(r"\btsc\b", text))
            yield msgspec.structs.replace(check, folder=folder, results=matcher)
    has_types = project.any_below(folder, ".ts", ".tsx", ".mts")
    if inside(folder, "tsconfig.json") in project.files and has_types and not (types or above):
        yield Proposal(
            id="types",
            # Never a compiler that is fetched in passing.
            run="npx --no-install tsc --noEmit",
            source=inside(folder, "tsconfig.json"),
            language="node",
            tool="tsc",
            folder=folder,
            tags=("fast", "lint"),
            results="{matcher: tsc}",
        )


_MATCHERS = {"eslint": "{matcher: eslint-stylish}", "tsc": "{matcher: tsc}"}


def _read(text: str) -> _Package:
    try:
        return msgspec.json.decode(text, type=_Package)
    except UNDECODABLE:
        return _Package()


def _workspace_above(project: Project, folder: str) -> frozenset[str]:
    """The names of the scripts of the workspace that the folder lies in."""
    while folder:
        folder = parent(folder)
        package = _read(project.texts.get(inside(folder, "package.json"), ""))
        if package.workspaces or inside(folder, "pnpm-workspace.yaml") in project.files:
            return frozenset(package.scripts)
    return frozenset()
