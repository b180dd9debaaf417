"""What a run is going to do, as it is decided and logged before the first check starts."""

from typing import Final

from msgspec import Struct

from vibeguard.core.model.config import CheckKeys
from vibeguard.core.model.settings import RunSettings
from vibeguard.core.names import OnChange, Pool

# What is added to the id of a check for the one that runs it again; no config can name such an id.
CONFIRMING: Final = "@confirm"


class ResolvedSettings(RunSettings, frozen=True, omit_defaults=True, kw_only=True):
    """Settings after defaults, environment and flags: what this run goes by.

    `reuse` says whether earlier passes may stand for checks that allow it.
    """

    parallel: int
    async_parallel: int
    error_exit_code: int = 1
    jitter_seed: int = 0
    reuse: bool = False


class PlannedCheck(CheckKeys, frozen=True, omit_defaults=True, kw_only=True):
    """One check of the plan. `stem` names its files, unique whatever the file system folds.

    `pool` is where it runs, `mode` what the config says about that; `after_background` marks a
    foreground check that waits, directly or through others, for a background one. `expected_ns`
    is the estimate from earlier runs, `expected_queue_ns` that of the wait for a worker.
    `env_names` are the names that the config sets: values are never recorded.
    `partial` says that it is handed some only of the files that are its own: a pass is of these.
    `confirms` is the check whose reused pass this one runs again (`reuse: confirm`).
    `remaining_path_ns` is the length of the longest path from its start to the end of the run;
    checks of a higher `priority` are offered a slot before all others.
    """

    stem: str
    pool: Pool = Pool.FOREGROUND
    timeout_ns: int = 0  # the plan always says it; logs of schema 1.0 leave out this default
    after_background: bool = False
    env_names: tuple[str, ...] = ()
    partial: bool = False
    confirms: str = ""
    expected_ns: int | None = None
    expected_queue_ns: int = 0
    remaining_path_ns: int = 0
    priority: int = 0

    @property
    def outlasts_foreground(self) -> bool:
        """Whether the foreground can be over before the check is."""
        return self.pool is Pool.BACKGROUND or self.after_background

    def output_name(self, attempt: int) -> str:
        """Where an attempt's output is in the run folder. Attempts count from 1."""
        return f"output/{self.stem}.{attempt}.log"

    @property
    def read_at_end(self) -> str:
        """What decides as a whole and is read once the attempt is over; empty where nothing is.

        With a quarantine that is the output, too: files behind a known failure are never looked at.
        """
        if self.file:
            return self.file
        for source in self.results:
            if source.file:
                return source.file
            if self.quarantine is not None or source.reader in ("junit", "tap"):
                return "its report"
        return ""

    @property
    def returns(self) -> tuple[str, ...]:
        """What comes back of an attempt on a worker: paths and globs."""
        return (*filter(None, (self.file, *self.reports)), *self.artifacts)

    @property
    def reports(self) -> tuple[str, ...]:
        """The files in which runners tell their results."""
        return tuple(source.file for source in self.results if source.file)

    def artifacts_name(self, attempt: int) -> str:
        """The folder there with what came back of an attempt from another machine."""
        return f"artifacts/{self.stem}.{attempt}"


def stands_alone(planned: PlannedCheck) -> bool:
    """Whether nothing may run beside the check: what changes the tree meanwhile is its doing."""
    return planned.on_change is OnChange.FAIL and planned.pool is not Pool.WORKERS


def is_handed_files(planned: PlannedCheck) -> bool:
    """Whether the check is told of files: as words, or by the list that VIBEGUARD_FILES names."""
    return planned.pass_files or bool(planned.files)


class Plan(Struct, frozen=True):
    """A whole plan: settings, checks in config order, and one line for each thing left out.

    `narrowed` says what left checks out beside ids and tags: a change, an earlier run.
    """

    settings: ResolvedSettings
    checks: tuple[PlannedCheck, ...]
    vars: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    narrowed: str = ""
