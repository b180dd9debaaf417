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
from vibeguard.core.reuse.manifest import Entry, Kind, Signature, manifest_digest
from vibeguard.system.discovery.changes import list_ahead, present_files
from vibeguard.system.discovery.vcs import AskedAhead
from vibeguard.system.discovery.whereabouts import git_root
from vibeguard.system.reuse.naming import called_from, listing
from vibeguard.system.reuse.records import Records
from vibeguard.system.reuse.scan import scan, signatures, walk

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
        self._records = records
        self._environment = environment
        checks = tuple(checks)
        self._outputs = {c.outputs: c.outputs for c in checks if c.outputs}
        self._lists = {c.inputs: c.inputs for c in checks if c.inputs} | self._outputs
        self._remembered: dict[bytes, Entry] | None = None
        self._entries: dict[bytes, Entry] = {}
        self._listed: dict[Patterns, tuple[list[bytes], tuple[str, ...]]] | None = None
        self._contents: dict[Patterns, Contents] = {}
        self._signatures: dict[bytes, Signature | None] = {}
        self._tree: list[bytes] | None = None
        self._ahead: AskedAhead | None = None
        self._marks: list[tuple[bytes, Signature | None]] | None = None
        self._made_by: dict[bytes, frozenset[Patterns]] = {}
        self._around: dict[Patterns, str] = {}

    def contents(self, patterns: Patterns) -> Contents:
        """What lies where these inputs or outputs say; in the whole tree where they are none."""
        if patterns not in self._contents:
            paths, idle = self._matching()[patterns] if patterns else (self._files(), ())
            entries = tuple(self.entries(paths))
            doubtful = [e for e in entries if not (e.settled and e.kind is Kind.FILE)]
            strange = tuple(os.fsdecode(e.path) for e in doubtful if not e.reusable)
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
            told = self._signatures_of(self._files())
            self._marks = [(path, told[path]) for path in self._files()]
            globs = Globs(self._outputs) if self._outputs else None
            self._made_by = {p: globs.owners_of(p) for p, _ in self._marks} if globs else {}
        if outputs not in self._around:
            kept = [m for m in self._marks if outputs not in self._made_by.get(m[0], ())]
            self._around[outputs] = sha256(_encode(kept)).hexdigest()
        return self._around[outputs]

    def list_ahead(self) -> None:
        """Let git list the files of the tree, which `around` needs, while we look elsewhere."""
        root = git_root(os.fsdecode(self._folder))
        if root is not None and self._tree is None and self._ahead is None:
            self._ahead = list_ahead(root, self._environment)

    def close(self) -> None:
        """Let git go, which may not have been asked for its list in the end."""
        if self._ahead is not None:
            self._ahead.discard()

    def entries(self, paths: Iterable[bytes]) -> list[Entry]:
        """What lies at the paths, in their order."""
        wanted = sorted(set(paths))
        new = [path for path in wanted if path not in self._entries]
        if new:
            told = self._signatures_of(new)
            self._entries |= scan(self._folder, new, self._known(), told)
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
            for path, is_folder in listing(self._folder, self._records.state_dir, globs):
                for patterns in globs.owners_of(path, is_folder=is_folder):
                    found[patterns].append(path)
            self._listed = {p: (paths, tuple(globs.idle(p))) for p, paths in found.items()}
        return self._listed

    def _files(self) -> list[bytes]:
        """The files of the repository around the run, or of its folder outside of git."""
        if self._tree is None:
            root = git_root(os.fsdecode(self._folder))
            found = present_files(root, self._environment, self._ahead) if root else None
            if root is None or found is None:
                self._tree = sorted(
                    path for path, _ in listing(self._folder, self._records.state_dir)
                )
            else:
                named = list(called_from(self._folder, os.fsencode(root), found))
                told = self._signatures_of(named)
                folders = [p for p in named if (s := told[p]) and stat.S_ISDIR(s.mode)]
                below = [path for folder in folders for path in self._below(folder)]
                self._tree = sorted({*named, *below}.difference(folders)) if folders else named
        return self._tree

    def _below(self, folder: bytes) -> Iterator[bytes]:
        """What lies in a folder that git names (a submodule, a nested repository)."""
        found = walk(os.path.join(self._folder, folder))
        return (os.path.join(folder, name) for name, _ in found)

    def _signatures_of(self, paths: Iterable[bytes]) -> Mapping[bytes, Signature | None]:
        """What lies at these paths, among what else is known already."""
        known = self._signatures
        known |= signatures(self._folder, [path for path in paths if path not in known])
        return known
