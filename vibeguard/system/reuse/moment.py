"""The keys of checks, all taken at one moment: files are listed once, tools asked once."""

import os
import shlex
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final

from msgspec import Struct, json

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.lang.globs import Globs
from vibeguard.core.model.plan import PlannedCheck, ResolvedSettings
from vibeguard.core.reuse.key import (
    KEY_FORMAT,
    Part,
    definition_parts,
    key_of,
    part,
    variable_parts,
)
from vibeguard.core.reuse.manifest import Entry, manifest_digest
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.channel import Launch
from vibeguard.system.discovery.changes import present_files
from vibeguard.system.discovery.environment import check_environment
from vibeguard.system.discovery.whereabouts import git_root
from vibeguard.system.reuse.asking import ToolSilent, answer_of
from vibeguard.system.reuse.naming import Naming
from vibeguard.system.reuse.records import Records
from vibeguard.system.reuse.scan import scan, walk
from vibeguard.version import __version__

# Settings of the run that can turn a pass into something else.
_RESULT_SETTINGS: Final = ("grok_limit_bytes", "leak_grace_ns")
_LISTED_FOR_MANY: Final = 5


class Subject(Struct, frozen=True):
    """What a run is about, as far as keys depend on it.

    `checks` are all of the plan; those in `incomplete` require others that the plan leaves out.
    `variables` are what the config sets for each, `files` what each is handed.
    """

    folder: bytes
    config_folder: bytes
    state_dir: str
    checks: Mapping[str, PlannedCheck]
    settings: ResolvedSettings
    incomplete: frozenset[str]
    variables: Mapping[str, Mapping[str, str]]
    environment: Mapping[bytes, bytes]
    files: Mapping[str, bytes]


def subject_of(launch: Launch) -> Subject:
    """What the keys of a run's checks depend on."""
    return Subject(
        folder=launch.folder,
        config_folder=launch.config_folder,
        state_dir=launch.state_dir.decode("utf-8", "surrogateescape"),
        checks={check.id: check for check in launch.plan.checks},
        settings=launch.plan.settings,
        incomplete=launch.incomplete,
        variables=launch.variables,
        environment=launch.environment,
        files=launch.files,
    )


class Taken(Struct, frozen=True):
    """What the result of a check depends on at one moment.

    `unusable` says why no pass may rest on it.
    """

    parts: tuple[Part, ...]
    entries: tuple[Entry, ...]
    key: str
    unusable: str = ""

    @property
    def stillness(self) -> str:
        """Another as soon as an input was written to, whatever it holds now."""
        digest = sha256()
        for entry in self.entries:
            digest.update(repr((entry.path, entry.signature, entry.through)).encode())
        return digest.hexdigest()


class Moment:
    """Everything is looked at when it is first asked for, and not again."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._records = Records(subject.state_dir)
        self._remembered = self._records.seen()
        self._entries: dict[bytes, Entry] = {}
        self._naming = Naming(subject.folder, subject.state_dir)
        self._taken: dict[str, Taken] = {}
        self._answers: dict[tuple[str, bytes], bytes] = {}
        self._matched: dict[str, list[bytes]] | None = None
        self._idle: dict[str, list[str]] = {}
        self._contents: dict[tuple[str, ...], tuple[tuple[Entry, ...], str, list[str]]] = {}
        self._tree: list[bytes] | None = None
        self._statuses: dict[bytes, os.stat_result] = {}
        self._variable_parts: dict[tuple[object, ...], tuple[Part, ...]] = {}
        self._resolved: dict[tuple[str, bytes, bytes], bytes] = {}

    def of(self, check: str) -> Taken:
        """The key of a check, and what it is made of. What it requires is taken first."""
        waiting = [check]
        while waiting:
            name = waiting[-1]
            requires = [entry.check for entry in self._subject.checks[name].requires]
            missing = [required for required in requires if required not in self._taken]
            if missing:
                waiting += missing
            else:
                waiting.pop()
                if name not in self._taken:
                    self._taken[name] = self._take(self._subject.checks[name])
        return self._taken[check]

    def outputs(self, planned: PlannedCheck) -> str:
        """The digest of a check's declared outputs.

        Empty where it declares none, and where they are not there or cannot be compared.
        """
        if planned.outputs is None:
            return ""
        found: list[bytes] = []
        if planned.outputs:
            globs = Globs({"": planned.outputs})
            found = [p for p in self._naming.listing(planned.outputs) if globs.owners_of(p)]
            if globs.idle(""):
                return ""
        entries = self._scan(found)
        return manifest_digest(entries) if all(e.reusable for e in entries) else ""

    def around(self, planned: PlannedCheck) -> str:
        """The stillness of the whole tree (what git ignores left out) but for a check's outputs."""
        globs = Globs({"": planned.outputs}) if planned.outputs else None
        digest = sha256()
        for path in self._tree_files():
            if globs is not None and globs.owners_of(path):
                continue
            status = self._statuses.get(path) or self._status(path)
            if status is None:
                digest.update(path + b"\0")
                continue
            told = (status.st_ino, status.st_size, status.st_mode, status.st_mtime_ns)
            digest.update(b"%b\0%d %d %d %d %d\0" % (path, *told, status.st_ctime_ns))
        return digest.hexdigest()

    def remember(self) -> None:
        """Let later moments go by what was read here. Raises OSError."""
        known = self._remembered
        if any(known.get(path) is not e for path, e in self._entries.items() if e.sha256):
            self._records.remember({**known, **self._entries})

    def _take(self, planned: PlannedCheck) -> Taken:
        environment = check_environment(
            self._subject.environment,
            planned,
            self._subject.variables.get(planned.id, {}),
            run_id="",
            attempt=0,
        )
        cwd = self._cwd(planned)
        wrong: list[str] = []
        if planned.id in self._subject.incomplete:
            wrong.append("what it requires is left out of the run")
        entries, content = self._inputs(planned, wrong)
        settings = {name: getattr(self._subject.settings, name) for name in _RESULT_SETTINGS}
        names = (*planned.env_names, *planned.env_inputs)
        parts = [
            part("version of VibeGuard", KEY_FORMAT.encode(), __version__.encode()),
            part("platform", sys.platform.encode(), os.uname().machine.encode()),
            part("folder", os.path.realpath(self._subject.folder), os.path.realpath(cwd)),
            *definition_parts(planned),
            part("settings", json.encode(settings)),
            part("files handed to it", self._subject.files.get(planned.id, b"")),
            part("inputs", content.encode()),
            *self._executables(planned, environment, cwd),
            *self._tools(planned, environment, cwd, wrong),
            *self._variables(names, environment),
        ]
        for entry in planned.requires:
            required = self._taken[entry.check]
            parts.append(part(f"check {entry.check}", required.key.encode()))
            if required.unusable:
                wrong.append(f"{entry.check}, which it requires, has no key: {required.unusable}")
        return Taken(tuple(parts), entries, key_of(parts), wrong[0] if wrong else "")

    def _inputs(self, planned: PlannedCheck, wrong: list[str]) -> tuple[tuple[Entry, ...], str]:
        """The entries of the inputs and their digest; of the whole tree where none are declared.

        Checks with the same patterns share them.
        """
        if planned.inputs:
            found = self._matching().get(planned.id, [])
            idle = self._idle.get(planned.id)
            if idle:
                wrong.append(f"{_listed(idle)} of inputs matches no file")
        else:
            found = self._tree_files()
        if planned.inputs not in self._contents:
            entries = tuple(self._scan(found))
            strange = [os.fsdecode(e.path) for e in entries if not e.reusable]
            self._contents[planned.inputs] = (entries, manifest_digest(entries), strange)
        entries, content, strange = self._contents[planned.inputs]
        if strange:
            wrong.append(f"what {_listed(strange)} holds cannot be proven")
        return entries, content

    def _matching(self) -> dict[str, list[bytes]]:
        """The inputs of every check that declares any, in one pass over the files."""
        if self._matched is not None:
            return self._matched
        patterns = {c.id: c.inputs for c in self._subject.checks.values() if c.inputs}
        self._matched = {check: [] for check in patterns}
        try:
            globs = Globs(patterns)
        except LanguageError:
            return self._matched
        wanted = (p for listed in patterns.values() for p in listed)
        for path in self._naming.listing(wanted, self._statuses):
            for check in globs.owners_of(path):
                self._matched[check].append(path)
        self._idle = {check: globs.idle(check) for check in patterns}
        return self._matched

    def _tree_files(self) -> list[bytes]:
        """The files of the repository around the run, or of its folder outside of git."""
        if self._tree is None:
            folder = os.fsdecode(self._subject.folder)
            root = git_root(folder)
            found = present_files(root, self._subject.environment) if root else None
            if root is None or found is None:
                self._tree = sorted(self._naming.listing(()))
            else:
                start = os.fsencode(root)
                self._tree = list(
                    self._naming.from_root(start, self._with_submodules(start, found))
                )
        return self._tree

    def _scan(self, paths: Iterable[bytes]) -> list[Entry]:
        wanted = sorted(set(paths))
        new = [path for path in wanted if path not in self._entries]
        self._entries |= scan(self._subject.folder, new, self._remembered, self._statuses)
        return [self._entries[path] for path in wanted]

    def _with_submodules(self, root: bytes, paths: Iterable[bytes]) -> Iterator[bytes]:
        """The paths, and for each folder (a submodule, a nested repository) what lies below."""
        told = self._statuses if root == self._subject.folder else {}
        for path in paths:
            status = told.get(path)
            full = os.path.join(root, path)
            if status is not None:
                is_folder = stat.S_ISDIR(status.st_mode)
            else:
                is_folder = os.path.isdir(full) and not os.path.islink(full)
            if is_folder:
                yield from (os.path.join(path, below) for below, _ in walk(full))
            else:
                yield path

    def _status(self, path: bytes) -> os.stat_result | None:
        try:
            return os.lstat(os.path.join(self._subject.folder, path))
        except OSError:
            return None

    def _cwd(self, planned: PlannedCheck) -> bytes:
        base = self._subject.config_folder if planned.cwd else self._subject.folder
        return os.path.normpath(os.path.join(base, os.fsencode(planned.cwd)))

    def _tools(
        self,
        planned: PlannedCheck,
        environment: Mapping[bytes, bytes],
        cwd: bytes,
        wrong: list[str],
    ) -> Iterator[Part]:
        own = {k: v for k, v in environment.items() if not k.startswith(b"VIBEGUARD_")}
        digest = sha256(repr((cwd, sorted(own.items()))).encode()).digest()
        for tool in planned.tools or ():
            if (tool, digest) not in self._answers:
                try:
                    self._answers[tool, digest] = answer_of(tool, cwd, own)
                except ToolSilent as silent:
                    wrong.append(f"the tool {sanitise(tool)!r} {silent}")
                    self._answers[tool, digest] = b""
            yield part(f"tool {tool}", self._answers[tool, digest])

    def _variables(
        self, names: tuple[str, ...], environment: Mapping[bytes, bytes]
    ) -> tuple[Part, ...]:
        """The parts of these variables; most checks have the same."""
        told = (names, *(environment.get(os.fsencode(name)) for name in names))
        if told not in self._variable_parts:
            secret = self._records.secret()
            self._variable_parts[told] = tuple(variable_parts(names, environment, secret))
        return self._variable_parts[told]

    def _executables(
        self, planned: PlannedCheck, environment: Mapping[bytes, bytes], cwd: bytes
    ) -> Iterator[Part]:
        """The shell's and the command's own: where they lie, and what they hold."""
        for label, word in (("shell", planned.shell), ("command", planned.run)):
            name = _first_word(word)
            search = environment.get(b"PATH", os.defpath.encode())
            if (name, search, cwd) not in self._resolved:
                self._resolved[name, search, cwd] = _resolved(name, search, cwd)
            path = self._resolved[name, search, cwd]
            entry = self._scan([path])[0] if path else None
            told = (entry.kind.encode(), entry.sha256.encode()) if entry else ()
            yield part(f"executable of the {label}", os.fsencode(name), path, *told)


def _first_word(command: str) -> str:
    """The name that a command line begins with, variables in front of it left out."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        words = command.split()
    return next((w for w in words if w not in ("!", "exec") and "=" not in w.partition("/")[0]), "")


def _resolved(name: str, search: bytes, cwd: bytes) -> bytes:
    """The file that the name of a command means; empty for what a shell does by itself."""
    word = os.fsencode(name)
    folders = [cwd] if b"/" in word else search.split(b":")
    for folder in folders if word else ():
        path = os.path.join(cwd, folder, word)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return os.path.realpath(path)
    return b""


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_LISTED_FOR_MANY])
    more = len(names) - _LISTED_FOR_MANY
    return sanitise(f"{shown} and {more} more" if more > 0 else shown)
