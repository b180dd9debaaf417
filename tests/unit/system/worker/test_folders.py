"""Folders of attempts: made anew, taken from what is ready, or moved from other files by git."""

import errno
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import trio
import trio.testing

from tests.helpers.brokers import KEY
from tests.helpers.full_disk import no_file_above
from tests.helpers.pools import git, repository
from vibeguard.core.pool.address import parse_address
from vibeguard.core.pool.messages import Source
from vibeguard.system.executors.local import open_local_executor
from vibeguard.system.pool.access import Access
from vibeguard.system.pool.line import Line
from vibeguard.system.pool.shipment import Shipment, begin_capture
from vibeguard.system.worker import trees
from vibeguard.system.worker.folders import Folders
from vibeguard.system.worker.removing import Removing
from vibeguard.system.worker.store import Store
from vibeguard.system.worker.trees import Unfit


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    origin = repository(tmp_path / "origin")
    (origin / ".gitignore").write_text("*.tmp\n")
    (origin / "gone").write_text("soon\n")
    (origin / "lines.txt").write_text("a\nb\n")
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "two")
    return origin


def committed(origin: Path) -> Source:
    """The files of a new commit, which needs no pack."""
    git(origin, "add", "-A")
    git(origin, "commit", "-q", "-m", "more")
    return begin_capture(str(origin), os.environb).result().source


def dirty(origin: Path, folder: Path, new: str = "new\n") -> Source:
    """Files that no commit has, whose pack the worker has fetched."""
    (origin / "tracked").write_text("two\n")
    (origin / "gone").unlink(missing_ok=True)
    (origin / "new").write_text(new)
    (origin / "new").chmod(0o755)
    if not (origin / "link").is_symlink():
        (origin / "link").symlink_to("tracked")
    shipment = begin_capture(str(origin), os.environb).result()
    fetched(shipment, folder)
    return shipment.source


def fetched(shipment: Shipment, folder: Path) -> None:
    """As a worker has it that got it from the broker."""
    store = Store(str(folder / "worker"), "")
    Path(store.pack_path(shipment.source)).write_bytes(shipment.pack)


def content(folder: Path) -> dict[str, tuple[int, str]]:
    """All that lies in a folder, without what git keeps there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.split("/", maxsplit=1)[0] != ".git" and not (
            path.is_dir() and not path.is_symlink()
        ):
            told = os.readlink(path) if path.is_symlink() else path.read_bytes().decode()
            found[name] = (stat.S_IMODE(path.lstat().st_mode), told)
    return found


@asynccontextmanager
async def folders(origin: Path, folder: Path) -> AsyncIterator[Folders]:
    store = Store(str(folder / "worker"), str(origin))
    (folder / "worker").mkdir(exist_ok=True)
    store.open()
    async with open_local_executor() as executor:
        yield Folders("w", store, executor, Removing(), dict(os.environb), most_ready=2)


async def made(maker: Folders, source: Source, path: Path) -> tuple[object, str, str]:
    """Content, HEAD and status of a folder that was made."""
    await maker.arrive(source)
    await maker.make(source, str(path))
    head = git(path, "rev-parse", "HEAD").strip()
    return content(path), head, git(path, "status", "--porcelain")


def test_a_folder_that_is_ready_is_as_one_that_is_made_anew(origin: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            first = captured(origin)
            anew = await made(maker, first, tmp_path / "anew")
            await maker.lay_ready(first)
            [ready] = (tmp_path / "worker" / "attempts").iterdir()
            number = ready.stat().st_ino
            assert await made(maker, first, tmp_path / "ready") == anew
            assert (tmp_path / "ready").stat().st_ino == number
            assert anew[2] == ""

    trio.run(main)


def captured(origin: Path) -> Source:
    return begin_capture(str(origin), os.environb).result().source


def test_a_folder_that_was_ready_for_other_files_is_moved_to_these(
    origin: Path, tmp_path: Path
) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            first = captured(origin)
            await maker.arrive(first)
            await maker.lay_ready(first)
            [ready] = (tmp_path / "worker" / "attempts").iterdir()
            number = ready.stat().st_ino
            source = dirty(origin, tmp_path)
            moved = await made(maker, source, tmp_path / "moved")
            assert (tmp_path / "moved").stat().st_ino == number
            assert moved == await made(maker, source, tmp_path / "anew")
            assert moved[0] == content(origin)
            assert moved[1:] == (first.commit, git(origin, "status", "--porcelain"))

    trio.run(main)


@pytest.mark.parametrize("change", ["tracked", "planted.tmp", ""], ids=["changed", "new", "gone"])
def test_a_ready_folder_that_somebody_has_changed_is_not_used(
    origin: Path, tmp_path: Path, change: str
) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            first = captured(origin)
            anew = await made(maker, first, tmp_path / "anew")
            await maker.lay_ready(first)
            [ready] = (tmp_path / "worker" / "attempts").iterdir()
            if change:
                (ready / change).write_text("by another check\n")
            else:
                (ready / "tracked").unlink()
            assert await made(maker, first, tmp_path / "made") == anew

    trio.run(main)


@pytest.mark.parametrize("change", ["git", "empty folder", "mode", "same size"])
def test_a_change_that_git_does_not_tell_makes_a_ready_folder_useless(
    origin: Path, tmp_path: Path, change: str
) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            first = captured(origin)
            await maker.arrive(first)
            await maker.lay_ready(first)
            [ready] = (tmp_path / "worker" / "attempts").iterdir()
            number = ready.stat().st_ino
            plant(change, ready)
            await made(maker, first, tmp_path / "made")
            assert (tmp_path / "made").stat().st_ino != number

    trio.run(main)


def plant(change: str, ready: Path) -> None:
    """Change a folder that is ready, as another check might."""
    tracked = ready / "tracked"
    match change:
        case "git":
            (ready / ".git" / "planted").write_text("")
        case "empty folder":
            (ready / "empty").mkdir()
        case "mode":
            tracked.chmod(0o600)
        case _:
            before = tracked.stat()
            tracked.write_text("x" * before.st_size)
            os.utime(tracked, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_an_attempt_takes_what_lies_ready_for_its_files_without_a_process(
    origin: Path, tmp_path: Path
) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            source = dirty(origin, tmp_path)
            anew = await made(maker, source, tmp_path / "anew")
            await maker.lay_ready(source)
            maker._lay = "exit 1"
            assert await made(maker, source, tmp_path / "ready") == anew

    trio.run(main)


@pytest.mark.parametrize(("quiet_s", "laid"), [(1000.0, 1), (0.0, 2)])
def test_the_attempt_that_has_just_got_a_folder_comes_before_more_than_one_in_advance(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet_s: float, laid: int
) -> None:
    monkeypatch.setattr("vibeguard.system.worker.folders.QUIET_S", quiet_s)

    async def main() -> None:
        async with folders(origin, tmp_path) as maker, trio.open_nursery() as nursery:
            nursery.start_soon(maker.keep_ready)
            await made(maker, captured(origin), tmp_path / "made")
            while len(maker._ready) < laid:  # noqa: ASYNC110 - nothing announces it
                await trio.sleep(0.001)
            await trio.testing.wait_all_tasks_blocked(0.02)
            assert len(maker._ready) == laid
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_a_ready_folder_takes_files_as_they_are_whatever_attributes_come_with_them(
    origin: Path, tmp_path: Path
) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            first = captured(origin)
            await maker.arrive(first)
            await maker.lay_ready(first)
            (origin / ".gitattributes").write_text("*.txt eol=crlf\n")
            assert await made(maker, committed(origin), tmp_path / "made") == (
                content(origin),
                git(origin, "rev-parse", "HEAD").strip(),
                "",
            )

    trio.run(main)


def test_files_that_are_not_those_of_the_tree_are_found_out(origin: Path, tmp_path: Path) -> None:
    """Somebody changes one while it is laid: what is checked would be something else."""

    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            maker._lay = maker._lay.replace(" #", "; echo two >lines.txt #")
            with pytest.raises(Unfit, match=r"became others here.*lines\.txt"):
                await maker.make(captured(origin), str(tmp_path / "made"))

    trio.run(main)


def test_what_git_was_told_on_the_way_does_not_change_what_an_attempt_sees(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither end's user: settings, attributes, and what earlier settings left in the index."""
    for name, attribute in (("worker", "eol=crlf ident"), ("run", "-text ident")):
        (tmp_path / name / "git").mkdir(parents=True)
        (tmp_path / name / "git" / "attributes").write_text(f"* {attribute}\n")
        (tmp_path / name / "git" / "config").write_text(
            "[core]\nautocrlf = true\nsafecrlf = true\nfileMode = false\nsymlinks = false\n"
            f"ignoreCase = true\nsplitIndex = true\nhooksPath = {tmp_path / 'hooks'}\n"
        )
    hook = tmp_path / "hooks" / "post-index-change"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    spoil(origin)
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "run"))
    kept = sorted((origin / ".git").iterdir())
    shipment = begin_capture(str(origin), os.environb).result()
    assert sorted((origin / ".git").iterdir()) == kept
    assert not (tmp_path / "hooked").exists()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "worker"))

    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            fetched(shipment, tmp_path)
            await maker.make(shipment.source, str(tmp_path / "made"))
            assert content(tmp_path / "made") == content(origin)
            assert not (tmp_path / "hooked").exists()

    trio.run(main)


def spoil(origin: Path) -> None:
    """Files that git would take for others: committed, and changed since."""
    (origin / ".gitattributes").write_text(
        "*.bat text eol=crlf\n*.id ident\n*.utf16 text working-tree-encoding=UTF-16LE\n"
    )
    (origin / "old.bat").write_bytes(b"a\r\nb\r\n")
    (origin / "old.id").write_bytes(b"$Id$\n")
    (origin / 'old\n"name".bat').write_bytes(b"a\r\n")
    (origin / "cached").write_bytes(b"a\r\nb\r\n")
    (origin / "old.utf16").write_bytes("\u0431\u0432\r\n".encode("utf-16-le"))
    (origin / "script").write_text("")
    (origin / "old_link").symlink_to("tracked")
    git(origin, "-c", "core.autocrlf=true", "add", "-A")
    git(origin, "commit", "-q", "-m", "three")
    git(origin, "config", "core.fileMode", "false")
    (origin / "old.id").unlink()
    git(origin, "checkout", "old.id")
    (origin / "old_link").unlink()
    (origin / "old_link").write_text("tracked")
    (origin / "script").chmod(0o755)
    (origin / "new").write_bytes(b"a\r\nb\n")
    (origin / "new").chmod(0o755)
    (origin / "TRACKED").write_text("another file\n")
    (origin / "link").symlink_to("tracked")
    (origin / "new.utf16").write_bytes("\u0431\u0432".encode("utf-16-le"))


@pytest.mark.parametrize("kind", ["blob", "commit"])
def test_what_git_was_told_to_read_instead_goes_as_it_lies_here(
    origin: Path, tmp_path: Path, kind: str
) -> None:
    """A worker has no such replacements: it would have the files that were replaced."""
    name = "" if kind == "commit" else ":tracked"
    (origin / "tracked").write_text("two\n")
    git(origin, "commit", "-q", "-a", "-m", "three")
    git(origin, "replace", f"HEAD{name}", f"HEAD~{name}")
    (origin / "tracked").unlink()
    git(origin, "reset", "-q", "--hard")
    os.utime(origin / ".git" / "index", (2**31, 2**31))  # git trusts it: no file is that young
    assert (origin / "tracked").read_text() == "one\n"

    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            shipment = begin_capture(str(origin), os.environb).result()
            fetched(shipment, tmp_path)
            await maker.make(shipment.source, str(tmp_path / "made"))
            assert content(tmp_path / "made") == content(origin)

    trio.run(main)


def test_a_commit_that_the_repository_lacks_is_said(origin: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            with pytest.raises(Unfit, match="lacks the commit"):
                await maker.arrive(Source(commit="0" * 39 + "1", tree="0" * 39 + "2"))

    trio.run(main)


def test_what_runs_sent_is_gone_with_the_worker_that_got_it(origin: Path, tmp_path: Path) -> None:
    """Else its disk fills from start to start; and the same files can come again."""

    async def main() -> None:
        for name in ("first", "second"):
            async with folders(origin, tmp_path) as maker:
                assert [*(tmp_path / "worker").rglob("*.pack")] == []
                fetched(shipment, tmp_path)
                await maker.make(shipment.source, str(tmp_path / name))
                assert content(tmp_path / name) == content(origin)

    (origin / "new").write_text("new\n")
    shipment = begin_capture(str(origin), os.environb).result()
    trio.run(main)


def test_a_store_that_has_lost_files_makes_one_attempt_unfit_and_gets_them_again(
    origin: Path, tmp_path: Path
) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            source = dirty(origin, tmp_path)
            await maker.arrive(source)
            for name in (tmp_path / "worker" / "packs").glob("*/pack/*"):
                name.unlink()
            with pytest.raises(Unfit, match="folder could not be made"):
                await maker.make(source, str(tmp_path / "lost"))
            dirty(origin, tmp_path)
            await maker.make(source, str(tmp_path / "again"))
            assert content(tmp_path / "again") == content(origin)

    trio.run(main)


@pytest.mark.parametrize("bound", ["MOST_TREES", "MOST_BYTES"])
def test_of_trees_that_no_folder_has_the_oldest_go(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            sources = []
            for number in range(5):
                sources.append(dirty(origin, tmp_path, f"{number}\n"))
                await maker.arrive(sources[-1])
            await maker.lay_ready(sources[1])
            each = {source: maker.trees._there[source].size for source in sources}
            kept = {0: sources[0], 1: sources[1], 4: sources[4]}  # used, ready, the newest
            most = 3 if bound == "MOST_TREES" else sum(map(each.__getitem__, kept.values()))
            monkeypatch.setattr(f"vibeguard.system.worker.trees.{bound}", most)
            maker.remove_old_trees([sources[0]], all_others=False)
            assert [s for s in sources if maker.trees.head_tree(s)] == list(kept.values())
            await maker._removing.finish()
            assert len(list((tmp_path / "worker" / "packs").iterdir())) == len(kept)
            for number, source in kept.items():
                await maker.make(source, str(tmp_path / f"made{number}"))
                assert (tmp_path / f"made{number}" / "new").read_text() == f"{number}\n"
            dirty(origin, tmp_path, "2\n")  # it comes again
            await maker.make(sources[2], str(tmp_path / "made2"))

    trio.run(main)


def test_a_tree_that_its_disk_does_not_let_go_ends_no_worker(
    origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            source = dirty(origin, tmp_path)
            await maker.arrive(source)
            failing = Mock(side_effect=OSError(errno.EROFS, os.strerror(errno.EROFS)))
            with monkeypatch.context() as patched:
                patched.setattr(trees, "os", SimpleNamespace(**{**vars(os), "rename": failing}))
                maker.remove_old_trees([], all_others=True)
            dirty(origin, tmp_path)  # it comes again
            await maker.make(source, str(tmp_path / "made"))

    trio.run(main)


def test_a_tree_that_went_while_a_folder_was_laid_for_it_leaves_none(
    origin: Path, tmp_path: Path
) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker, trio.open_nursery() as nursery:
            source = dirty(origin, tmp_path)
            await maker.arrive(source)
            maker._lay = "true"  # git has all that it needs by then

            async def lay() -> None:
                with pytest.raises(Unfit):
                    await maker.lay_ready(source)

            nursery.start_soon(lay)
            await trio.testing.wait_all_tasks_blocked()
            maker.remove_old_trees([], all_others=True)
        await maker._removing.finish()
        assert list((tmp_path / "worker" / "attempts").iterdir()) == []

    trio.run(main)


def test_attempts_whose_files_are_there_wait_for_none_of_each_other(
    origin: Path, tmp_path: Path
) -> None:
    """One after the other they would be offered in a message each, and be told so in as many."""

    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            line = Line(
                Access(parse_address("unix:///nowhere", insecure=False), "pool", KEY),
                *("w", lambda _: None, lambda: None, lambda: None),
            )
            for source in (captured(origin), dirty(origin, tmp_path)):
                await maker.arrive(source)
                with trio.testing.assert_no_checkpoints():
                    await maker.trees.fetch(line, source)
                    await maker.arrive(source)

    trio.run(main)


def test_a_pack_that_cannot_be_unpacked_leaves_nothing(origin: Path, tmp_path: Path) -> None:
    """As on a disk that is full, which it would keep full."""
    packs = tmp_path / "worker" / "packs"

    def spoil_pack() -> None:
        [pack] = packs.iterdir()
        pack.write_bytes(pack.read_bytes()[:-1])
        begun = Path(f"{pack}.objects", "pack", "tmp_pack_x")
        begun.parent.mkdir(parents=True)
        begun.write_text("of an index-pack that was killed")

    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            source = dirty(origin, tmp_path)
            spoil_pack()
            with pytest.raises(Unfit, match="do not fit"):
                await maker.arrive(source)

    trio.run(main)
    assert [path for path in packs.glob("**/*pack*") if path.is_file()] == []


def test_a_script_that_cannot_say_why_has_its_folder_fail_with_the_reason(
    origin: Path, tmp_path: Path
) -> None:
    async def main() -> None:
        async with folders(origin, tmp_path) as maker:
            maker._arrive = "echo why; exit 1"
            source = captured(origin)
            with no_file_above(0), pytest.raises(Unfit, match=r"git's output could not be stored"):
                await maker.arrive(source)

    trio.run(main)
