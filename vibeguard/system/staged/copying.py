"""What is staged as a repository of its own, where no overlay can be had: slower, and elsewhere."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from vibeguard.core.problems import UsageError
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.channel import Staged
from vibeguard.system.discovery.tree import OBJECTS
from vibeguard.system.discovery.vcs import SUBMODULE, quoted_path
from vibeguard.system.staged.repository import Repository

_LARGEST_POINTER: Final = 1 << 20  # bytes of a .pth or direct_url.json that are read
_ADVICE: Final = "take it out of `keep`, or run where mount namespaces are allowed"


def copy_staged(staged: Staged, original: Repository, copied: Repository) -> None:
    """Fill the empty folder of `copied` with what is staged, as a repository at the same commit.

    `original` reads the frozen index. Objects are read from where they are. Raises UsageError.
    """
    root, common_dir = original.root, os.path.realpath(os.fsdecode(staged.common_dir))
    entries = original.names("ls-files", "--stage", "-z")
    _refuse_submodules(root, entries)
    form = original.git("rev-parse", "--show-object-format").decode("ascii").strip()
    copied.git("init", "--quiet", "--template=", f"--object-format={form}", ".")
    git_dir = Path(copied.root, ".git")
    objects = (os.path.join(common_dir, "objects"), os.fsdecode(staged.scratch) + "/" + OBJECTS)
    alternates = b"".join(quoted_path(folder) + b"\n" for folder in objects)
    _write(git_dir / "objects" / "info" / "alternates", alternates)
    copied.git("config", "include.path", os.path.join(common_dir, "config"))
    for name in ("info/exclude", "info/attributes", "shallow"):
        if os.path.exists(os.path.join(common_dir, name)):
            _write(git_dir / name, Path(common_dir, name).read_bytes())
    _write(
        git_dir / "packed-refs", original.git("for-each-ref", "--format=%(objectname) %(refname)")
    )
    _put_head(original, copied, git_dir, staged.head)
    copied.git("read-tree", staged.tree)
    copied.git("checkout-index", "--all", "--force", "--index", "--quiet")


def _refuse_submodules(root: str, entries: Sequence[bytes]) -> None:
    for entry in entries:
        path = os.fsdecode(entry.partition(b"\t")[2])
        if entry.startswith(SUBMODULE) and os.path.lexists(os.path.join(root, path, ".git")):
            what = f"the submodule {sanitise(path)} cannot be copied, and nothing else works here"
            raise UsageError(what, "run where mount namespaces are allowed, or without --staged")


def _put_head(original: Repository, copied: Repository, git_dir: Path, head: str) -> None:
    """The same branch, or none, at the commit that the run began on."""
    try:
        branch = original.git("symbolic-ref", "--quiet", "HEAD").decode().strip()
    except UsageError:
        _write(git_dir / "HEAD", head.encode() + b"\n")  # detached
        return
    copied.git("symbolic-ref", "HEAD", branch)
    if head:
        copied.git("update-ref", branch, head)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def copy_kept(root: str, copy: str, keep: Sequence[str]) -> None:
    """Copy these folders too, relative to the root: what a check writes there is lost as well.

    Raises UsageError for what would lead back into the work tree, and where copying fails.
    """
    for name in keep:
        source, target = os.path.join(root, name), os.path.join(copy, name)
        if not os.path.lexists(source):
            continue
        for pointer in pointers_back(source, root):
            what = f"keep: {sanitise(name)} leads back into the work tree: {sanitise(pointer)}"
            raise UsageError(what, _ADVICE)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        done = subprocess.run(
            ["cp", "-R", "-P", "-p", "--", source, target],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            lines = os.fsdecode(done.stderr).strip().splitlines()
            what = f"keep: {sanitise(name)} cannot be copied: {sanitise(lines[0] if lines else '')}"
            raise UsageError(what, "make it readable, make room for it, or take it out of `keep`")


def pointers_back(folder: str, root: str) -> Iterator[str]:
    """What below `folder` leads into `root`, but not into the folder itself, by an absolute path.

    Links, the paths of `.pth` files, and `direct_url.json` of what was installed as editable.
    """
    if os.path.islink(folder):
        yield from _outside([os.readlink(folder)], folder, folder, root)
        return
    for at, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(at, name)
            if os.path.islink(path):
                yield from _outside([os.readlink(path)], path, folder, root)
            elif name.endswith(".pth"):
                yield from _outside(_read(path).splitlines(), path, folder, root)
            elif name == "direct_url.json":
                yield from _outside(_file_urls(_read(path)), path, folder, root)


def _outside(targets: Sequence[str], path: str, folder: str, root: str) -> Iterator[str]:
    """The path, where one of its targets is absolute and in the root but not in the folder."""
    real_root, real_folder = os.path.realpath(root), os.path.realpath(folder)
    for target in targets:
        if not os.path.isabs(target):
            continue
        real = os.path.realpath(target)
        if _is_in(real, real_root) and not _is_in(real, real_folder):
            yield os.path.relpath(path, root)
            return


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _file_urls(text: str) -> list[str]:
    """The path of a `file:` address in a direct_url.json (PEP 610), whatever else it holds."""
    start = text.find('"file:')
    if start < 0:
        return []
    return [unquote(urlsplit(text[start + 1 :].partition('"')[0]).path)]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_LARGEST_POINTER)
    except OSError:
        return ""
