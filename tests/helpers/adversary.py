"""A check that may do anything to the state folder, beside a supervisor that answers for it.

The supervisor's own parts (journal, witness) are the real ones; only the checks are missing, so
that every moment of a run can be tried in milliseconds.
"""

import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from unittest.mock import patch

from msgspec.structs import replace

from tests.helpers.histories import History, check
from tests.helpers.logs import encode_log
from vibeguard.commands import joining
from vibeguard.commands.evidence import evidence_of
from vibeguard.commands.hook import push_verdict
from vibeguard.commands.loading import Loaded
from vibeguard.commands.options import GlobalOptions
from vibeguard.core.model.config import CheckConfig, Config
from vibeguard.core.model.event_parts import VersionControl
from vibeguard.core.model.events import Event, LogSealed
from vibeguard.core.names import LogStatus
from vibeguard.core.problems import LogWriteError, VibeGuardError
from vibeguard.core.report.conclusion import exit_code_of
from vibeguard.system.channel import Launch
from vibeguard.system.clock import monotonic_s
from vibeguard.system.front.following import Until, follow
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.shown import format_options
from vibeguard.system.front.view import make_view
from vibeguard.system.journal.follow import Follower
from vibeguard.system.journal.reader import open_state
from vibeguard.system.journal.writer import Journal
from vibeguard.system.reuse.records import Records
from vibeguard.system.reuse.scan import scan
from vibeguard.system.reuse.tree import with_identity
from vibeguard.system.rundir.notes import note_differences
from vibeguard.system.rundir.state_folder import state_folder
from vibeguard.system.vouching.endings import ending_of
from vibeguard.system.vouching.known import find_run
from vibeguard.system.vouching.witness import Witness, open_witness

TREE = VersionControl(head="h" * 40, tree="t" * 40)
GOOD, BAD = "good\n", "bad!\n"  # what the check of the world passes on, and what it fails on
CONFIG = b"the text of its config"
CONFIG_SHA256 = sha256(CONFIG).hexdigest()
NOW_NS = 1_795_500_000_000_000_000
PHASES = ("before the plan", "running", "judging", "sealing", "sealed", "after")
# How many events of the failing run are written by then.
_WRITTEN = {"before the plan": 1, "running": 5, "judging": 6, "sealing": 9}


def history(run_id: str, *, passes: bool, tree: VersionControl = TREE) -> list[Event]:
    """A whole run of one check, without its seal."""
    started = {"run_id": run_id, "vcs": tree}
    made = History(check("unit"), started=started, config_sha256=CONFIG_SHA256)
    made.ready("unit")
    made.passes("unit") if passes else made.fails("unit")
    made.foreground_settled()
    made.finish(vcs=tree)
    return [event for event in made.events if not isinstance(event, LogSealed)]


def forged(run_id: str) -> bytes:
    """A whole log of a run that passed, with a seal that fits: anybody can make one."""
    events = history(run_id, passes=True)
    seal = LogSealed(seq=len(events), t=events[-1].t, events=len(events), bytes=0, sha256="")
    return encode_log([*events, seal])


class World:
    """A repository with an old pass, an old failure and a run that fails, up to some moment."""

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        self.repository = parent / "repository"
        self.repository.mkdir()
        self.state = Path(state_folder(str(self.repository / ".vibeguard"), create=True))
        self.write(GOOD)
        self.old_pass = self.whole_run(NOW_NS - 2 * 10**9, passes=True)
        self.write(BAD)
        self.old_failure = self.whole_run(NOW_NS - 10**9, passes=False)
        self.witness, self.journal = self.start(NOW_NS)
        self.run = self.journal.run_id
        self._inodes = self.state.stat().st_ino, self.repository.stat().st_ino
        self._events = history(self.run, passes=False, tree=self.tree())
        self._ended = self._over = False

    def advance(self, phase: str) -> None:
        """Let the run come to this moment; what its supervisor notices ends it."""
        wanted = _WRITTEN.get(phase, len(self._events))
        try:
            while self.journal.events < wanted:
                self.journal.append(self._events[self.journal.events])
            if phase in ("sealed", "after") and not self._ended:
                self.end(self.witness, self.journal)
                self._ended = True
        except LogWriteError as error:  # as `RunLog` does it
            note_differences(self.journal.run_folder, (error.what, *self.witness.foreign()))
        if phase == "after":
            self.close()

    def close(self) -> None:
        """The supervisor is no more."""
        if not self._over:
            self._over = True
            self.journal.close()
            self.witness.close()

    def start(self, now_ns: int) -> tuple[Witness, Journal]:
        """One more supervisor, with a run of its own."""
        witness = open_witness(str(self.state))
        journal = Journal(str(self.state), now_ns=now_ns, clock=lambda: 10**15)
        witness.begin(journal.run_id, nested=False)
        return witness, journal

    def end(self, witness: Witness, journal: Journal) -> None:
        """As a supervisor does it: compare, note, seal, compare, vouch."""
        differences = journal.verify() + witness.foreign()
        note_differences(journal.run_folder, differences)
        seal = journal.seal()
        if differences or journal.verify_log():
            witness.give_up()
        else:
            witness.seal(seal.sha256)

    def whole_run(self, now_ns: int, *, passes: bool) -> str:
        """A run from its start to its end, by a supervisor of its own; its id."""
        witness, journal = self.start(now_ns)
        self.finish(witness, journal, passes=passes)
        return journal.run_id

    def finish(self, witness: Witness, journal: Journal, *, passes: bool) -> None:
        """Let such a run come to its end, and its supervisor go."""
        for event in history(journal.run_id, passes=passes, tree=self.tree()):
            journal.append(event)
        self.end(witness, journal)
        journal.close()
        witness.close()

    def tree(self) -> VersionControl:
        """What a run that begins now records of the repository, as a supervisor does."""
        found = with_identity(TREE, launch_in(self.repository))
        assert found is not None
        return found

    # What a check can see and do.

    def write(self, text: str) -> None:
        """Edit the one file of the repository."""
        (self.repository / "code").write_text(text)

    def remember(self, text: str) -> None:
        """Forge what the state folder remembers: that this is what the file holds as it is now."""
        entry = scan(os.fsencode(self.repository), [b"code"])[b"code"]
        forged_entry = replace(entry, sha256=sha256(text.encode()).hexdigest())
        Records(str(self.state)).remember({b"code": forged_entry})

    def folder(self, run: str = "") -> Path:
        return self.state / "runs" / (run or self.run)

    def log(self, run: str = "") -> Path:
        return self.folder(run) / "events.jsonl"

    def places(self) -> list[Path]:
        """Where its state folder is now: by its path, by itself, by the repository it was in."""
        found = [self.state]
        for repository in [self.repository, *self.parent.glob("repository.aside-*")]:
            states = repository.glob(".vibeguard*")
            found += [state for state in states if state.stat().st_ino == self._inodes[0]]
            if repository.stat().st_ino == self._inodes[1]:
                found.append(repository / ".vibeguard")
        return [path for path in found if path.is_dir()]

    def plant(self, run: str) -> None:
        """A folder that no supervisor has made."""
        self.folder(run).mkdir(mode=0o700)
        self.log(run).write_bytes(forged(run))

    def copy_of_state(self, to: Path) -> None:
        """The whole state folder again, but its run has passed."""
        shutil.copytree(self.state, to, symlinks=True)
        (to / "runs" / self.run / "events.jsonl").write_bytes(forged(self.run))


Reader = Callable[[Path, str], int]


def report(state: Path, reference: str) -> int:
    """What `report`, `runs`, `status` and `hook verdict` find."""
    folder = find_run(str(state), reference)
    found, reading = open_state(folder)
    ending = ending_of(reading, folder, found)
    code = exit_code_of(found, ending)
    if ending.log_status is not LogStatus.COMPLETE:
        assert code != 0, ending
    return code


def wait(state: Path, reference: str) -> int:
    """What `wait --max-wait`, `tail` and a joined run end with."""
    folder = find_run(str(state), reference)
    # Nothing is waited for, and to give up a watch takes the kernel longer than all the rest.
    with patch("vibeguard.system.journal.follow.watch", lambda _: None):
        follower = Follower(folder)
    output, quiet = Output(), NoSignals()
    view = make_view("json", format_options(run_folder=folder), output, live=False)
    try:
        with patch("vibeguard.system.front.following.take_over_signals", lambda: quiet):
            return follow(follower, view, output, Until(deadline=monotonic_s()))
    finally:
        follower.close()
        quiet.close()


class NoSignals:
    """Stands in for the signals of a command: this process is a test, and goes on afterwards."""

    def __init__(self) -> None:
        self.descriptor, self._write_end = os.pipe()

    def dispatch(self, _on_signal: object) -> None:
        """Nothing ever comes."""

    def give_back(self) -> None:
        """Nothing was taken."""

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self.descriptor)
        os.close(self._write_end)


def hook_verdict(state: Path, _reference: str) -> int:
    """What the pre-push hook is told about the tree on which every run of the world began."""
    with (
        patch.object(push_verdict, "state_dir_of_runs", lambda _: str(state)),
        patch.object(push_verdict, "load", lambda _: NO_CONFIG),
        patch.object(push_verdict, "covers", lambda *_: True),
        patch.object(push_verdict, "write_err", lambda _: None),
        patch.object(push_verdict, "_LEAVING_S", 0.0),
        patch.object(push_verdict, "_wait", lambda run, _: wait(state, run)),
    ):
        return push_verdict.verdict(TREE.tree, common=GlobalOptions())


def join(state: Path, _reference: str) -> int:
    """What a start of the same checks on the same tree ends with; 2 where it would run itself."""
    launch = SimpleNamespace(version_control=TREE, log_dir="", environment={})
    with (
        patch.object(joining, "_of_same_checks", lambda *_: True),
        patch.object(joining, "write_err", lambda _: None),
    ):
        twin = joining.find_twin(str(state), cast(Launch, launch), supersede=False)
    return wait(state, twin) if twin else 2


def evidence(state: Path, _reference: str) -> int:
    """What `evidence`, `run --outstanding` and the agents' tools say of what lies there now."""
    located = SimpleNamespace(folder=str(state.parent))
    config = Config(checks=(CheckConfig(id="unit", run="grep -q good code"),))
    loaded = SimpleNamespace(config=config, data=CONFIG, located=located)
    return evidence_of(cast(Loaded, loaded), str(state)).exit_code


def launch_in(folder: Path) -> Launch:
    """What `with_identity` asks of a start in this folder."""
    named = {"folder": os.fsencode(folder), "state_dir": os.fsencode(folder / ".vibeguard")}
    told = SimpleNamespace(environment=os.environb, inputs={}, record_tree=True, **named)
    return cast(Launch, told)


NO_CONFIG = SimpleNamespace(config=Config(checks=()))
READERS: dict[str, Reader] = {"report": report, "wait": wait}
# These are told no run: they look for one themselves.
SEEKERS: dict[str, Reader] = {"hook verdict": hook_verdict, "join": join, "evidence": evidence}


def code_of(reader: Reader, state: Path, reference: str) -> int:
    """The exit code of a command; 2, 3 or 4 where it ends with an error."""
    try:
        return reader(state, reference)
    except VibeGuardError:
        return 2


def set_aside(path: Path) -> Path:
    """Rename a file or folder; where it is now."""
    aside = path.with_name(f"{path.name}.aside-{os.urandom(3).hex()}")
    path.rename(aside)
    return aside
