"""No edit slips past a manifest: real files, and each shape that a naive key (path, size, mtime) misses."""

import os
import random
from pathlib import Path

import pytest

from vibeguard.core.lang.globs import Globs
from vibeguard.core.reuse.manifest import Kind, differing, manifest_digest
from vibeguard.system.reuse import scan as module
from vibeguard.system.reuse import tree
from vibeguard.system.reuse.naming import listing
from vibeguard.system.reuse.scan import scan, signatures, walk


def manifest(root, remembered=None):
    paths = [path for path, _ in walk(os.fsencode(root))]
    return scan(os.fsencode(root), paths, remembered)


def naive(root):
    """What a key of path, size and mtime sees."""
    found = ((path, entry.stat(follow_symlinks=False)) for path, entry in walk(os.fsencode(root)))
    return {path: (status.st_size, status.st_mtime_ns) for path, status in found}


def put_back(path, status):
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def same_size_and_mtime(root):
    status = (root / "a").stat()
    (root / "a").write_text("2222")
    put_back(root / "a", status)


def swapped_by_a_rename(root):
    status = (root / "a").stat()
    (root / "new").write_text("2222")
    put_back(root / "new", status)
    os.rename(root / "new", root / "a")


def mode(root):
    (root / "a").chmod(0o755)


def content_behind_a_link(root):
    status = (root / "a").stat()
    (root / "a").write_text("2222")
    put_back(root / "a", status)
    # The link itself is as it was; what it leads to is not.


def link_to_another_of_the_same_length(root):
    status = (root / "link").lstat()
    (root / "link").unlink()
    (root / "link").symlink_to("b")
    os.utime(root / "link", ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


LYING = [
    same_size_and_mtime,
    swapped_by_a_rename,
    mode,
    content_behind_a_link,
    link_to_another_of_the_same_length,
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a").write_text("1111")
    (tmp_path / "b").write_text("1111")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "sub" / ".git").mkdir(parents=True)
    (tmp_path / "sub" / ".git" / "HEAD").write_text("never an input")
    (tmp_path / "sub" / "c").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    "leads_to", ["/proc/self/mem", "/proc/self/pagemap", "/proc/self/maps", "/dev/zero", "closed"]
)
def test_what_only_looks_like_a_file_is_neither_waited_for_nor_read_without_an_end(
    root, leads_to, monkeypatch
):
    """Two seconds a run, for what may settle: this never does."""
    (root / "closed").write_text("not for us")
    (root / "odd").symlink_to(leads_to)
    monkeypatch.setattr(module, "sleep_s", pytest.fail)
    if leads_to == "closed":
        monkeypatch.setattr(module, "_read", lambda *_, **__: ("", None))
    entry = scan(os.fsencode(root), [b"odd"])[b"odd"]
    assert not entry.settled
    assert entry.target == os.fsencode(leads_to)


def test_a_tree_of_more_than_is_read_unasked_is_not_read(tmp_path, monkeypatch):
    """Sparse or not, and behind a link too."""
    (tmp_path / "beside").mkdir()
    with (tmp_path / "beside/huge").open("wb") as file:
        file.truncate(1 << 38)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to("../beside/huge")
    monkeypatch.setattr(tree, "scan", pytest.fail)
    extent = tree.Extent(str(tmp_path / "tree"), {}, "")
    assert tree.tree_identity(extent, most_files=9) is None


@pytest.mark.parametrize("lie", LYING, ids=[f.__name__ for f in LYING])
def test_a_change_that_a_naive_key_misses_is_seen(root, lie):
    before, seen = manifest(root), naive(root)
    lie(root)
    assert naive(root) == seen
    now = manifest(root, before)
    assert manifest_digest(now.values()) != manifest_digest(before.values())
    assert differing(before.values(), now.values())


def test_every_entry_of_a_quiet_tree_is_settled_even_one_written_in_this_tick(root):
    (root / "a").write_text("just now")
    assert all(entry.reusable for entry in manifest(root).values())


def test_a_file_that_was_remembered_is_not_read_again(root):
    before = manifest(root)
    forged = {
        path: type(entry)(path, entry.kind, entry.signature, "0" * 64, settled=True)
        for path, entry in before.items()
        if entry.kind is Kind.FILE
    }
    assert manifest(root, forged)[b"a"].sha256 == "0" * 64


def test_an_entry_that_was_not_settled_is_read_again(root):
    before = manifest(root)
    racy = type(before[b"a"])(b"a", Kind.FILE, before[b"a"].signature, "0" * 64, settled=False)
    assert manifest(root, {b"a": racy})[b"a"].sha256 == before[b"a"].sha256


def test_an_edit_that_was_undone_leaves_the_content_and_not_the_signature(root):
    before = manifest(root)
    status = (root / "a").stat()
    (root / "a").write_text("2222")
    (root / "a").write_text("1111")
    put_back(root / "a", status)
    now = manifest(root, before)
    assert manifest_digest(now.values()) == manifest_digest(before.values())
    assert now[b"a"].signature != before[b"a"].signature


def test_what_is_touched_and_otherwise_the_same_has_the_same_digest(root):
    before = manifest(root)
    (root / "a").touch()
    (root / "b").unlink()
    (root / "b").write_text("1111")
    assert manifest_digest(manifest(root, before).values()) == manifest_digest(before.values())


def test_absent_is_not_empty(root):
    found = scan(os.fsencode(root), [b"nope", b"sub/c"])
    assert found[b"nope"].kind is Kind.ABSENT
    empty = scan(os.fsencode(root), [b"sub/c"])
    assert manifest_digest(found.values()) != manifest_digest(empty.values())


def test_what_cannot_be_compared_is_not_reusable(root):
    os.mkfifo(root / "pipe")
    (root / "folder").symlink_to("sub")
    (root / "loop").symlink_to("loop")
    found = manifest(root)
    assert not found[b"pipe"].reusable
    assert not found[b"folder"].reusable
    assert found[b"loop"].reusable  # leads nowhere, and says so
    assert b"sub/.git/HEAD" not in found


def test_files_are_asked_about_where_a_folder_can_only_be_opened_to_be_read(root, monkeypatch):
    told = signatures(os.fsencode(root), [b"a", b"nope"])
    monkeypatch.delattr(os, "O_PATH")  # as on macOS
    assert signatures(os.fsencode(root), [b"a", b"nope"]) == told


def test_a_file_system_that_is_not_known_to_keep_ctime_settles_nothing(root, monkeypatch):
    monkeypatch.setattr("vibeguard.system.reuse.scan._KEEPS_CTIME", frozenset())
    assert not manifest(root)[b"a"].reusable


@pytest.mark.parametrize("seed", range(20))
def test_remembering_never_changes_what_is_found(tmp_path, seed):
    """Random writes, renames, links, modes and times put back, many in one tick."""
    draw = random.Random(seed)
    names = ["a", "b", "c", "d"]
    remembered = {}
    for _ in range(6):
        for _ in range(draw.randrange(4)):
            path = tmp_path / draw.choice(names)
            status = path.lstat() if os.path.lexists(path) else None
            action = draw.randrange(6)
            if action == 0:
                path.unlink(missing_ok=True)
                path.symlink_to(draw.choice(names))
            elif action == 1:
                path.unlink(missing_ok=True)
            elif action == 2 and status:
                os.rename(path, tmp_path / draw.choice(names))
            elif action == 3 and path.is_file() and not path.is_symlink():
                path.chmod(draw.choice([0o600, 0o700]))
            elif not os.path.islink(path):
                path.write_text(draw.choice("xy") * draw.randrange(3))
                if status and draw.randrange(2):
                    put_back(path, status)
        remembered = manifest(tmp_path, remembered)
        fresh = manifest(tmp_path)
        assert manifest_digest(remembered.values()) == manifest_digest(fresh.values())


def test_of_a_folder_where_plain_paths_are_declared_only_these_are_listed(tmp_path):
    for name in ["a", "b", "below/c", "b.d/x"]:
        (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / name).touch()
    globs = Globs({"one": ["src/a", "./src/below/c"], "other": ["lib/*", "!src/b"]})
    told = dict(listing(os.fsencode(tmp_path), str(tmp_path / ".vibeguard"), globs))
    assert told == {b"src": True, b"src/a": False, b"src/below": True, b"src/below/c": False}
