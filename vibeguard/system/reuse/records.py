"""Where passes are recorded: `reuse/` of the state folder, a file a record, written whole.

    reuse/passes/<check>/<key>   records; <check> is a digest of the id: file systems fold case
    reuse/inputs/<digest>        the entries behind a record, for people: named by their content
    reuse/seen                   what files hold, so that they are not read again
    reuse/secret                 what values of variables are hashed with

Whatever cannot be read, or is not what was written, is not there; nor is a record that could not be
forgotten, were its check to fail.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from vibeguard.core.problems import UNDECODABLE
from vibeguard.core.reuse.manifest import Entry
from vibeguard.core.reuse.record import LARGEST_BYTES, Record, decode_record, encode_record
from vibeguard.system.rundir.files import make_folder, open_regular, replace_file

KEPT_PER_CHECK: Final = 16
_LARGEST_LIST_BYTES: Final = 256 << 20
_SECRET_BYTES: Final = 32
_DIGEST: Final = 64
_entries = msgspec.msgpack.Decoder(tuple[Entry, ...])
_encode = msgspec.msgpack.Encoder().encode


class Records:
    """The records of one state folder."""

    def __init__(self, state_dir: str) -> None:
        self.state_dir = state_dir
        self._root = os.path.join(state_dir, "reuse")

    def find(self, check: str, key: str) -> Record | None:
        """The pass of a check under this key."""
        folder = self._folder(check)
        record = _read_record(os.path.join(folder, key)) if os.access(folder, os.W_OK) else None
        return record if record and (record.check, record.key) == (check, key) else None

    def of(self, check: str) -> list[Record]:
        """The passes of a check, newest first."""
        folder = self._folder(check)
        paths = _files(folder) if os.access(folder, os.W_OK) else []
        found = [_read_record(path) for path in paths]
        own = [record for record in found if record is not None and record.check == check]
        return sorted(own, key=lambda record: -record.passed_ns)

    def all(self) -> Iterator[Record]:
        """Every record, in no order."""
        for folder in _files(os.path.join(self._root, "passes")):
            for path in _files(folder):
                record = _read_record(path)
                if record is not None:
                    yield record

    def write(self, record: Record) -> None:
        """Add a record, in the place of the oldest where there are many. Raises OSError."""
        folder = self._folder(record.check)
        _ensure(folder)
        replace_file(os.path.join(folder, record.key), encode_record(record))
        for old in self.of(record.check)[KEPT_PER_CHECK:]:
            self.forget(old.check, old.key)

    def forget(self, check: str, key: str) -> None:
        """A pass is contradicted, or too old."""
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self._folder(check), key))

    def are_untidy(self) -> bool:
        """Whether there are more lists than two for each check that has records."""
        lists, checks = (_files(os.path.join(self._root, name)) for name in ("inputs", "passes"))
        return len(lists) > 2 * len(checks)

    def tidy(self, now_ns: int, *, dry_run: bool = False) -> frozenset[str]:
        """Remove records that hold no more, and lists that no record names.

        The runs that the other records rest on. With `dry_run` nothing is removed.
        """
        kept, needed = set(), set()
        for record in self.all():
            if record.holds(now_ns, record.reuse_for_ns):
                kept.add(record.run)
                needed.add(record.manifest)
            elif not dry_run:
                self.forget(record.check, record.key)
        for path in _files(os.path.join(self._root, "inputs")):
            if os.path.basename(path) not in needed and not dry_run:
                with contextlib.suppress(OSError):
                    os.unlink(path)
        return frozenset(kept)

    def write_entries(self, entries: Iterable[Entry]) -> str:
        """Store the entries behind a record; the name of the list. Raises OSError."""
        data = _encode(tuple(entries))
        name = sha256(data).hexdigest()
        path = os.path.join(self._root, "inputs", name)
        if not os.path.exists(path):
            _ensure(os.path.dirname(path))
            replace_file(path, data)
        return name

    def read_entries(self, name: str) -> tuple[Entry, ...]:
        """The entries behind a record; none where the list is not there, or not what it was."""
        data = _read(os.path.join(self._root, "inputs", name), _LARGEST_LIST_BYTES)
        if data is None or sha256(data).hexdigest() != name:
            return ()
        return _decoded(data)

    def seen(self) -> dict[bytes, Entry]:
        """What earlier scans have read, by path."""
        data = _read(os.path.join(self._root, "seen"), _LARGEST_LIST_BYTES) or b""
        digest, content = data[:_DIGEST], data[_DIGEST:]
        if digest != sha256(content).hexdigest().encode():
            return {}
        return {entry.path: entry for entry in _decoded(content)}

    def remember(self, entries: Mapping[bytes, Entry]) -> None:
        """Let later scans go by what this one has read. Raises OSError."""
        settled = tuple(entry for entry in entries.values() if entry.settled and entry.sha256)
        content = _encode(settled)
        if len(content) < _LARGEST_LIST_BYTES:
            _ensure(self._root)
            replace_file(
                os.path.join(self._root, "seen"), sha256(content).hexdigest().encode() + content
            )

    def secret(self) -> bytes:
        """What values of variables are hashed with, made once a state folder. Raises OSError."""
        path = os.path.join(self._root, "secret")
        found = _read(path, _SECRET_BYTES + 1)
        if found is None or len(found) != _SECRET_BYTES:
            _ensure(self._root)
            replace_file(path, os.urandom(_SECRET_BYTES))
            found = _read(path, _SECRET_BYTES + 1) or b""
        return found

    def _folder(self, check: str) -> str:
        return os.path.join(self._root, "passes", sha256(check.encode()).hexdigest()[:32])


def _read_record(path: str) -> Record | None:
    data = _read(path, LARGEST_BYTES)
    return None if data is None else decode_record(data)


def _read(path: str, most: int) -> bytes | None:
    """What a file holds; None for none, and for one that is larger than `most`."""
    try:
        with open(open_regular(path), "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size  # the bound as a buffer costs more than all
            data = file.read(min(size, most) + 1) or b""
    except OSError:
        return None
    return data if len(data) <= most else None


def _decoded(data: bytes) -> tuple[Entry, ...]:
    try:
        return _entries.decode(data)
    except UNDECODABLE:
        return ()


def _files(folder: str) -> list[str]:
    """What is in a folder, but for files that are just being written, whose names are hidden."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if not name.startswith(".")]


def _ensure(folder: str) -> None:
    """Make the folder, and those above it up to the state folder's own. Raises OSError."""
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    if os.path.basename(folder) != "reuse":
        _ensure(parent)
    with contextlib.suppress(FileExistsError):
        make_folder(folder)
