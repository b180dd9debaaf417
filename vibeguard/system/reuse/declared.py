"""The files that checks declare and the tree around them, listed and read once: one moment."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Final

from msgspec import Struct, msgpack

from vibeguard.core.lang.globs import Globs
from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.reuse.manifest import Entry, Signature, manifest_digest
from vibeguard.system.discovery.changes import present_files
from vibeguard.system.discovery.whereabouts import git_root
from vibeguard.system.reuse.naming import Naming
from vibeguard.system.reuse.records import Records
from vibeguard.system.reuse.scan import scan, signature_of, walk

Patterns = tuple[str, ...]
# About what one file in the list of what was read takes, and what opening a file costs beside that.
_ENTRY_BYTES: Final = 150
_OPENING_BYTES: Final = 4096
_encode = msgpack.Encoder().encode


class Contents(Struct, frozen=True):
    """What lies where some patterns say: entries by path, their digest.

    `idle` are patterns that match no file, `strange` files of which nobody can tell what they hold.
    """

    entries: tuple[Entry, ...]
    digest: str
    idle: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


class Declared:
    """What checks declare in a folder. Each thing is looked at when it is first asked for."""

    def __init__(
        self,
        folder: bytes,
        records: Records,
        environment: Mapping[bytes, bytes],
        checks: Iterable[PlannedCheck],
    ) -> None:
        """`checks` are all that will be asked for; git is asked in the environment."""
        self._folder = folder
        self._inside = os.path.join(folder, b"")
        self._records = records
        self._environment = environment
        checks = tuple(checks)
        self._outputs = {c.outputs: c.outputs for c in checks if c.outputs}
        self._lists = {c.inputs: c.inputs for c in checks if c.inputs} | self._outputs
        self._naming = Naming(folder, records.state_dir)
        self._remembered: dict[bytes, Entry] | None = None
        self._entries: dict[bytes, Entry] = {}
        self._listed: dict[Patterns, tuple[list[bytes], tuple[str, ...]]] | None = None
        self._contents: dict[Patterns, Contents] = {}
        self._statuses: dict[bytes, os.stat_result | None] = {}
        self._tree: list[bytes] | None = None
        self._marks: list[tuple[bytes, bytes]] | None = None
        self._made_by: dict[bytes, frozenset[Patterns]] = {}
        self._around: dict[Patterns, str] = {}

    def contents(self, patterns: Patterns) -> Contents:
        """What lies where these inputs or outputs say; in the whole tree where they are none."""
        if patterns not in self._contents:
            paths, idle = self._matching()[patterns] if patterns else (self._files(), ())
            entries = tuple(self.entries(paths))
            strange = tuple(os.fsdecode(e.path) for e in entries if not e.reusable)
            self._contents[patterns] = Contents(entries, manifest_digest(entries), idle, strange)
        return self._contents[patterns]

    def outputs(self, planned: PlannedCheck) -> str:
        """The digest of a check's declared outputs.

        Empty where it declares none, and where they are not there or cannot be compared.
        """
        if not planned.outputs:
            return "" if planned.outputs is None else manifest_digest(())
        found = self.contents(planned.outputs)
        return "" if found.idle or found.strange else found.digest

    def around(self, planned: PlannedCheck) -> str:
        """The stillness of the whole tree (what git ignores left out) but for a check's outputs."""
        outputs = planned.outputs or ()
        if self._marks is None:
            self._marks = [(path, _encode((path, self._signature(path)))) for path in self._files()]
            globs = Globs(self._outputs) if self._outputs else None
            self._made_by = {p: globs.owners_of(p) for p, _ in self._marks} if globs else {}
        if outputs not in self._around:
            kept = [m for path, m in self._marks if outputs not in self._made_by.get(path, ())]
            self._around[outputs] = sha256(b"".join(kept)).hexdigest()
        return self._around[outputs]

    def entries(self, paths: Iterable[bytes]) -> list[Entry]:
        """What lies at the paths, in their order."""
        wanted = sorted(set(paths))
        new = [path for path in wanted if path not in self._entries]
        if new:
            statuses = {path: told for path in new if (told := self._status(path))}
            self._entries |= scan(self._folder, new, self._known(), statuses)
        return [self._entries[path] for path in wanted]

    def remember(self) -> None:
        """Let later moments go by what was read here; they read again where it is not stored."""
        known = self._known()
        read = [e for path, e in self._entries.items() if e.sha256 and known.get(path) is not e]
        sizes = sum(e.signature.size + _OPENING_BYTES for e in read if e.signature)
        if sizes > len(known) * _ENTRY_BYTES:  # else it is as quick to read them again
            with suppress(OSError):
                self._records.remember({**known, **self._entries})

    def _known(self) -> Mapping[bytes, Entry]:
        if self._remembered is None:
            self._remembered = self._records.seen()
        return self._remembered

    def _matching(self) -> dict[Patterns, tuple[list[bytes], tuple[str, ...]]]:
        """The paths and the idle patterns of each list, in one pass over the files."""
        if self._listed is None:
            globs = Globs(self._lists)
            found: dict[Patterns, list[bytes]] = {patterns: [] for patterns in self._lists}
            for path, is_folder in self._naming.listing(globs):
                for patterns in globs.owners_of(path, is_folder=is_folder):
                    found[patterns].append(path)
            self._listed = {p: (paths, tuple(globs.idle(p))) for p, paths in found.items()}
        return self._listed

    def _files(self) -> list[bytes]:
        """The files of the repository around the run, or of its folder outside of git."""
        if self._tree is None:
            root = git_root(os.fsdecode(self._folder))
            found = present_files(root, self._environment) if root else None
            if root is None or found is None:
                self._tree = sorted(path for path, _ in self._naming.listing())
            else:
                named = self._naming.from_root(os.fsencode(root), found)
                self._tree = [path for one in named for path in self._with_submodules(one)]
        return self._tree

    def _with_submodules(self, path: bytes) -> Iterator[bytes]:
        """The path of a file; for a folder (a submodule, a nested repository) what lies below."""
        status = self._status(path)
        if status is None or not stat.S_ISDIR(status.st_mode):
            yield path
        else:
            below = walk(os.path.join(self._folder, path))
            yield from (os.path.join(path, name) for name, _ in below)

    def _signature(self, path: bytes) -> Signature | None:
        status = self._status(path)
        return signature_of(status) if status else None

    def _status(self, path: bytes) -> os.stat_result | None:
        if path not in self._statuses:
            own = path if path.startswith(b"/") else self._inside + path  # join takes as long again
            try:
                self._statuses[path] = os.lstat(own)
            except OSError:
                self._statuses[path] = None
        return self._statuses[path]
