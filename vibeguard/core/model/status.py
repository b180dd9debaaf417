"""What `status` knows of a run: what runs, since when, what is left, and how long it may take."""

from msgspec import Struct


class Forecast(Struct, frozen=True):
    """How long the rest of a run may take, in nanoseconds from now.

    None where nothing is known of any duration. `guessed` counts the unsettled checks that earlier
    runs tell nothing about: they are taken to last as long as the median of the others.
    """

    end_ns: int | None = None
    foreground_ns: int | None = None
    guessed: int = 0


class RunningCheck(Struct, frozen=True):
    """A check that runs now. `expected_ms` is what earlier runs let expect of it, else null.

    On a worker of a pool, `queued_ms` is how long that was waited for.
    """

    id: str
    pool: str
    attempt: int
    running_ms: int
    expected_ms: int | None
    timeout_ms: int
    worker: str = ""
    queued_ms: int | None = None


class WaitingCheck(Struct, frozen=True):
    """A check that has yet to start (again): its state, and the requirements it waits for.

    `worker` says which worker one waits for that is with a pool, and which are there.
    """

    id: str
    pool: str
    state: str
    waits_for: tuple[str, ...]
    worker: str = ""


class Status(Struct, frozen=True):
    """The JSON document of `status --json`.

    `state` is what the log is: live, complete, incomplete or corrupt. `exit_code` is what `report`
    would exit with now (5 while nothing is decided). `counts` are by outcome, of either
    severity; `not_passed` names the settled checks that did not pass by the word that texts show
    for them (a warning is `warned`), `failed` those that fail the run of their own accord.
    `eta_ms` is null where no estimate is possible or nothing is left; `guessed` counts the checks
    that it knows too little about. `untold` says who of `settings.notify` could not be told of
    the end, and why. `live_runs` are the other runs of the folder that are going on.
    """

    run_id: str
    state: str
    verdict: str | None
    exit_code: int
    started_at: str
    elapsed_ms: int
    checks: int
    settled: int
    counts: dict[str, int]
    not_passed: dict[str, tuple[str, ...]]
    failed: tuple[str, ...]
    running: tuple[RunningCheck, ...]
    waiting: tuple[WaitingCheck, ...]
    foreground_settled: bool
    paused: bool
    cancelling: bool
    eta_ms: int | None
    foreground_eta_ms: int | None
    guessed: int
    problem: str
    live_runs: tuple[str, ...]
    path: str
    weakened: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
