"""The keys of checks, all taken at one moment: files are listed once, tools asked once."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct, json
from msgspec.structs import replace

from vibeguard.core.model.plan import PlannedCheck, ResolvedSettings
from vibeguard.core.names import StalePolicy
from vibeguard.core.reuse.command_words import told_by_the_shell_alone
from vibeguard.core.reuse.key import (
    KEY_FORMAT,
    Part,
    definition_parts,
    key_of,
    part,
    variable_parts,
)
from vibeguard.core.reuse.manifest import Entry, manifest_digest, stillness
from vibeguard.core.wording.sanitise import sanitise
from vibeguard.system.channel import Launch
from vibeguard.system.discovery.environment import check_environment
from vibeguard.system.reuse.declared import Declared
from vibeguard.system.reuse.executables import (
    Programs,
    ToolSilent,
    answer_of,
    interpreter_line,
    variables_for,
)
from vibeguard.system.reuse.records import Records
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

    def about(self, checks: Iterable[str]) -> "Subject":
        """The same with no other checks than these and what they require."""
        kept: dict[str, PlannedCheck] = {}
        waiting = list(checks)
        while waiting:
            check = waiting.pop()
            if check not in kept:
                kept[check] = self.checks[check]
                waiting += [entry.check for entry in kept[check].requires]
        return replace(self, checks=kept)


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
    programs: tuple[Entry, ...]
    unusable: str = ""

    @property
    def stillness(self) -> str:
        """Another as soon as an input or a program was written to, whatever it holds now."""
        return stillness((*self.entries, *self.programs))


class Moment:
    """Everything is looked at when it is first asked for, and not again."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._records = Records(subject.state_dir)
        self._taken: dict[str, Taken] = {}
        self._answers: dict[tuple[object, ...], bytes | ToolSilent] = {}
        self._variable_parts: dict[tuple[object, ...], tuple[Part, ...]] = {}
        self._programs = Programs()
        self._executed: dict[tuple[object, ...], dict[bytes, Entry]] = {}
        self._folders: dict[bytes, Part] = {}
        settings = {name: getattr(subject.settings, name) for name in _RESULT_SETTINGS}
        self._common = (
            part("version of VibeGuard", KEY_FORMAT.encode(), __version__.encode()),
            part("platform", sys.platform.encode(), os.uname().machine.encode()),
            part("user", *(str(n).encode() for n in (os.geteuid(), os.getegid(), *os.getgroups()))),
            part("settings", json.encode(settings)),
        )
        self.declared = Declared(
            subject.folder, self._records, subject.environment, subject.checks.values()
        )

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

    def close(self) -> None:
        """Nothing is asked any more; what was begun for it ends."""
        self.declared.close()

    def read_from(self, planned: PlannedCheck) -> str:
        """The stillness of files that are no inputs, and that the result may be read from as old.

        Empty where there is none.
        """
        names = {planned.file} if planned.file else set()
        if planned.stale is StalePolicy.ALLOW:
            names |= {source.file for source in planned.results if source.file}
        paths = {os.path.normpath(os.fsencode(name)) for name in names}
        paths -= {entry.path for entry in self.of(planned.id).entries}
        return stillness(self.declared.entries(paths)) if paths else ""

    def _take(self, planned: PlannedCheck) -> Taken:
        wrong: list[str] = []
        if planned.id in self._subject.incomplete:
            wrong.append("what it requires is left out of the run")
        found = self.declared.contents(planned.inputs)
        if found.idle:
            wrong.append(f"{_listed(found.idle)} of inputs matches no file")
        cwd = self._cwd(planned)
        names = self._subject.files.get(planned.id, b"")
        handed = self._handed(names, cwd)
        strange = (*found.strange, *(os.fsdecode(e.path) for e in handed if not e.reusable))
        if strange:
            wrong.append(f"what {_listed(strange)} holds cannot be proven")
        own = self._subject.variables.get(planned.id, {})
        caller = self._subject.environment
        environment = check_environment(caller, planned, own, run_id="", attempt=0)
        programs = {
            f"executable of the {label}": self._executables(line, environment, cwd)
            for label, line in (("shell", planned.shell), ("command", planned.run))
        }
        parts = [
            *self._common,
            *definition_parts(planned),
            part("files handed to it", names, manifest_digest(handed).encode()),
            part("inputs", found.digest.encode()),
            *(_part_of_programs(name, those) for name, those in programs.items()),
            *self._surroundings(planned, environment, cwd, wrong),
        ]
        for entry in planned.requires:
            required = self._taken[entry.check]
            parts.append(part(f"check {entry.check}", required.key.encode()))
            if required.unusable:
                wrong.append(f"{entry.check}, which it requires, has no key: {required.unusable}")
        entries = (*found.entries, *handed)
        called = {e.path: e for those in programs.values() for e in those.values()}
        unusable = wrong[0] if wrong else ""
        return Taken(tuple(parts), entries, key_of(parts), tuple(called.values()), unusable)

    def _cwd(self, planned: PlannedCheck) -> bytes:
        base = self._subject.config_folder if planned.cwd else self._subject.folder
        return os.path.normpath(os.path.join(base, os.fsencode(planned.cwd)))

    def _handed(self, names: bytes, cwd: bytes) -> list[Entry]:
        """What lies where a check is told to look, whether its inputs say so or not."""
        if not names:
            return []
        below = os.path.relpath(os.path.realpath(cwd), os.path.realpath(self._subject.folder))
        paths = names.split(b"\0")[:-1]
        return self.declared.entries(os.path.normpath(os.path.join(below, path)) for path in paths)

    def _surroundings(
        self,
        planned: PlannedCheck,
        environment: Mapping[bytes, bytes],
        cwd: bytes,
        wrong: list[str],
    ) -> Iterator[Part]:
        """Where it runs, and what it finds there besides files: tools, variables."""
        if cwd not in self._folders:
            real = os.path.realpath(self._subject.folder), os.path.realpath(cwd)
            self._folders[cwd] = part("folder", *real)
        yield self._folders[cwd]
        unknown = told_by_the_shell_alone(planned.run)
        if unknown and planned.shell in ("sh", "bash"):
            wrong.append(f"the shell alone knows which program {sanitise(unknown)} is")
        yield from self._tools(planned, environment, cwd, wrong)
        yield from self._variables((*planned.env_names, *planned.env_inputs), environment)

    def _executables(
        self, command: str, environment: Mapping[bytes, bytes], cwd: bytes
    ) -> Mapping[bytes, Entry]:
        """The programs that a command may name: where they are found, and what lies there.

        A link's own place counts too, for programs go by it. What a script is for is a command as
        well.
        """
        asked = (command, cwd, *(environment.get(name) for name in variables_for(command)))
        if asked not in self._executed:
            found: dict[bytes, Entry] = {}
            lines, start = [command], os.path.realpath(cwd)
            for line in lines:
                for path in self._programs.named_in(line, environment, start):
                    if path not in found:
                        real = os.path.realpath(path)
                        (found[path],) = self.declared.entries([real])
                        lines.append(interpreter_line(real))
            self._executed[asked] = found
        return self._executed[asked]

    def _tools(
        self,
        planned: PlannedCheck,
        environment: Mapping[bytes, bytes],
        cwd: bytes,
        wrong: list[str],
    ) -> Iterator[Part]:
        if not planned.tools:
            return
        own = {k: v for k, v in environment.items() if not k.startswith(b"VIBEGUARD_")}
        for tool in planned.tools:
            asked = (tool, cwd, frozenset(own.items()))
            if asked not in self._answers:
                try:
                    self._answers[asked] = answer_of(tool, cwd, own)
                except ToolSilent as silent:
                    self._answers[asked] = silent
            answer = self._answers[asked]
            if isinstance(answer, ToolSilent):
                wrong.append(f"the tool {sanitise(tool)!r} {answer}")
            else:
                yield part(f"tool {tool}", answer)

    def _variables(
        self, names: tuple[str, ...], environment: Mapping[bytes, bytes]
    ) -> tuple[Part, ...]:
        """The parts of these variables; most checks have the same."""
        told = (names, *(environment.get(os.fsencode(name)) for name in names))
        if told not in self._variable_parts:
            secret = self._records.secret()
            self._variable_parts[told] = tuple(variable_parts(names, environment, secret))
        return self._variable_parts[told]


def _part_of_programs(name: str, programs: Mapping[bytes, Entry]) -> Part:
    """What each is called, where that leads to, and what lies there."""
    told = ((path, e.path, e.kind.encode(), e.sha256.encode()) for path, e in programs.items())
    return part(name, *(field for fields in told for field in fields))


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_LISTED_FOR_MANY])
    more = len(names) - _LISTED_FOR_MANY
    return sanitise(f"{shown} and {more} more" if more > 0 else shown)
