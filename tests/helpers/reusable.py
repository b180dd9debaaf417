"""A folder with one check in it that records passes, looked at without the command: for speed.

Every step is the real one (scan, key, record, log, vouching); only the check does not run.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from tests.helpers.command import environment
from tests.helpers.histories import History
from tests.helpers.logs import encode_log
from vibeguard.core.config.load import load_config
from vibeguard.core.model.config import Config
from vibeguard.core.model.events import LogSealed
from vibeguard.core.names import Outcome
from vibeguard.core.planning.plan import make_plan, resolve_settings
from vibeguard.core.reuse.record import Record
from vibeguard.system.reuse.lookup import look_up, prove
from vibeguard.system.reuse.moment import Subject
from vibeguard.system.reuse.records import Records
from vibeguard.system.rundir.state_folder import state_folder

RUN = "20261124-060000-0123abcd"
FILES = {
    "src/a.py": "print(1)\n",
    "src/b.py": "print(2)\n",
    "src/notes.md": "notes\n",
    "tool": "#!/bin/sh\necho tool 1\n",
    "check.sh": "#!/bin/sh\ntrue\n",
    "other.txt": "other\n",
    ".gitignore": "*.built\n",
}
CONFIG = """
version: "1"
checks:
  - id: unit
    run: ./check.sh
    reuse: true
    inputs: ["src/**", "!**/*.md"]
    tools: [./tool]
    env_inputs: [SEED]
"""


class Place:
    """A project and its state folder. `config` is its text, `environment` what the caller has."""

    def __init__(self, root: Path, config: str = CONFIG) -> None:
        self.root = root
        self.config = config
        self.environment = {k.encode(): v.encode() for k, v in environment().items()}
        self.handed: dict[str, bytes] = {}
        self.left_out: frozenset[str] = frozenset()
        self.passed: tuple[str, ...] = ()
        for name, text in FILES.items():
            self.write(name, text)
        for name in ("tool", "check.sh"):
            (root / name).chmod(0o755)
        self.state_dir = state_folder(str(root / ".vibeguard"), create=True)

    def write(self, name: str, text: str) -> Path:
        """Put a file there."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        return path

    def write_alike(self, name: str, text: str) -> None:
        """Change a file, and put its times back."""
        path = self.root / name
        status = path.stat()
        self.write(name, text)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def git(self, *words: str) -> None:
        """Run git in the project."""
        subprocess.run(
            [
                "git",
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "-c",
                "commit.gpgsign=false",
                *words,
            ],
            cwd=self.root,
            env=environment(),
            check=True,
            capture_output=True,
        )

    def naive_key(self) -> tuple[tuple[str, int, int], ...]:
        """What other caches go by: names (of a file system that folds case), sizes, times."""
        files = [p for p in self.root.rglob("*") if p.is_symlink() or p.is_file()]
        names = [p.relative_to(self.root) for p in files]
        told = [
            (str(name).lower(), path.lstat().st_size, path.lstat().st_mtime_ns)
            for name, path in zip(names, files, strict=True)
            if not {".git", ".vibeguard"} & set(name.parts)
        ]
        return tuple(sorted(told))

    def commit(self) -> None:
        """Make it a repository, with everything committed."""
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "all")

    @property
    def subject(self) -> Subject:
        """What a run here and now would be about."""
        config: Config = load_config(self.config.encode(), "vibeguard.yaml")
        settings = resolve_settings(config.settings, usable_cpus=2, reuse=True)
        plan = make_plan(config.checks, settings, variables=config.vars)
        return Subject(
            folder=os.fsencode(self.root),
            config_folder=os.fsencode(self.root),
            state_dir=self.state_dir,
            checks={check.id: check for check in plan.checks},
            settings=settings,
            incomplete=self.left_out,
            variables={check.id: check.env for check in config.checks},
            environment=self.environment,
            files=self.handed,
        )

    def run(self, check: str = "unit", during: Callable[[], object] | None = None) -> Record | None:
        """Let the check run and pass, with `during` meanwhile; its record, if there is one."""
        subject = self.subject
        found = look_up(replace_reuse(subject), [check], self.passed, self.passed)
        if during is not None:
            during()
        if check not in found.before:
            return None
        for record in prove(subject, {check: found.before[check]}):
            kept = replace(record, run=RUN, seal=self.seal(subject))
            Records(self.state_dir).write(kept)
            return kept
        return None

    def hits(self, check: str = "unit") -> bool:
        """Whether an earlier pass stands for the check now."""
        return check in look_up(self.subject, [check], self.passed, self.passed).passes

    def seal(self, subject: Subject, outcome: Outcome = Outcome.PASSED) -> str:
        """Write the log of a run in which every check of the subject ran and passed; its seal."""
        plan = make_plan(
            load_config(self.config.encode(), "vibeguard.yaml").checks,
            subject.settings,
            variables={},
        )
        history = History(*plan.checks, settings=subject.settings)
        waiting = {check.id: [r.check for r in check.requires] for check in plan.checks}
        while waiting:
            ready = [c for c, needs in waiting.items() if not set(needs) & set(waiting)]
            history.ready(*ready)
            for check in ready:
                history.passes(check)
                del waiting[check]
        events = history.finish().events
        log = encode_log(events)
        folder = Path(self.state_dir) / "runs" / RUN
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "events.jsonl").write_bytes(log)
        sealed = events[-1]
        assert isinstance(sealed, LogSealed)
        return log.rpartition(b'"sha256":"')[2][:64].decode()

    @property
    def log(self) -> Path:
        """The log that the records refer to."""
        return Path(self.state_dir) / "runs" / RUN / "events.jsonl"


def replace_reuse(subject: Subject) -> Subject:
    """The same for a run that reuses nothing."""
    return replace(subject, settings=replace(subject.settings, reuse=False))
