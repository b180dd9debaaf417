"""What a run needs for its checks on other machines; nothing of it is imported without any."""

import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import trio
from msgspec import Struct

from vibeguard.core.model.plan import PlannedCheck
from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.pool.messages import PROTOCOL, Job, Presence, Source, label_sets
from vibeguard.core.problems import UsageError
from vibeguard.system.channel import Interrupt, Kill, Launch, OrderReader
from vibeguard.system.executors.base import AttemptSpec, RemoteSpec
from vibeguard.system.executors.local import LocalExecutor
from vibeguard.system.executors.pool import PoolExecutor
from vibeguard.system.pool.access import Access, access_from
from vibeguard.system.pool.broker import Pool
from vibeguard.system.pool.listing import ask_once, workers_of
from vibeguard.system.pool.shipment import Capture, Shipment
from vibeguard.system.supervisor.lean_trio import load_what_was_left_out, load_what_was_put_off

RETURNS_LIMIT_BYTES: Final = 256 << 20


class Remote(Struct, frozen=True):
    """The way into the pool, the files as workers get them, the labels that there are.

    `base` is the folder that the run is of, relative to the top of these files.
    """

    access: Access
    settings: PoolSettings
    shipment: Shipment
    present: tuple[str, ...] = ()
    base: str = ""

    def executor(
        self,
        local: LocalExecutor,
        nursery: trio.Nursery,
        note_present: Callable[[str, int, tuple[str, ...]], None],
        sleep_outside: Callable[[float], Awaitable[None]],
    ) -> PoolExecutor:
        """One executor for here and there; the pool's tasks run in `nursery`.

        `note_present` is called when other workers are there while an attempt of a check waits.
        """
        return PoolExecutor(
            self.access,
            self.settings,
            self.shipment,
            nursery,
            local=local,
            note_present=note_present,
            sleep_outside=sleep_outside,
        ).open()

    def spec(
        self,
        launch: Launch,
        planned: PlannedCheck,
        spec: AttemptSpec,
        *,
        returned: str,
        listed: bytes | None,
    ) -> RemoteSpec:
        """What goes to a worker for an attempt that would be this `spec` here."""
        variables = {
            os.fsencode(name): launch.environment[os.fsencode(name)]
            for name in planned.pass_env
            if os.fsencode(name) in launch.environment
        }
        for name, value in launch.variables.get(planned.id, {}).items():
            variables[os.fsencode(name)] = os.fsencode(value)
        here = spec.cwd == os.fsdecode(launch.folder)
        folder = self.base if here else _below(self.shipment.top, spec.cwd)
        job = Job(
            protocol=PROTOCOL,
            token=os.urandom(16).hex(),
            client="",  # its executor's
            source=self.shipment.source,
            labels=() if planned.where is None else planned.where.labels,
            base=os.fsencode(self.base),
            folder=os.fsencode(folder),
            environment=variables,
            timeout_ns=planned.timeout_ns,
            idle_timeout_ns=planned.idle_timeout_ns,
            returns=planned.returns,
            reports=planned.reports,
            returns_limit_bytes=RETURNS_LIMIT_BYTES,
            lease_ns=self.settings.lease_ns,
            listed=listed,
            pass_files=bool(spec.files),
            **spec.order(),
        )
        return RemoteSpec(job, self.access.pool, self.present, returned)


def prepare_remote(
    launch: Launch,
    environ: Mapping[str, str],
    orders: OrderReader,
    captured: Capture,
) -> Remote | None:
    """What the plan's checks with `where` need; None without any.

    Where `orders` end the run meanwhile, it waits neither for the broker nor for the files: nothing
    will start. Raises UsageError for all that can be known before anything has run.
    """
    settings = launch.plan.settings.pool
    if settings is None:
        return None
    access = access_from(environ, settings.name, insecure=settings.insecure)
    load_what_was_left_out()
    if not access.address.path:
        load_what_was_put_off()
    found = ask_once(access, partial(_try_out, captured), partial(_ended_by, orders))
    shipment, present = found or (Shipment(Source("", "")), [])
    base = _below(shipment.top, os.fsdecode(launch.folder))
    return Remote(access, settings, shipment, label_sets(present), base)


async def _ended_by(orders: OrderReader) -> None:
    """Wait until the front ends the run; its other orders are kept for the run."""
    while True:
        await trio.lowlevel.wait_readable(orders.descriptor)
        said = orders.read()
        if said is None:
            return
        orders.hold(said)
        if any(isinstance(order, Interrupt | Kill) for order in said):
            return


async def _try_out(captured: Capture, pool: Pool) -> tuple[Shipment, list[Presence]]:
    """The files, and who is there. Rights are tried first: a refusal waits for no files."""
    await pool.check_rights()
    present = await workers_of(pool)
    _compare_versions(present)
    return await trio.to_thread.run_sync(captured.result, abandon_on_cancel=True), present


def _compare_versions(present: list[Presence]) -> None:
    """Raises UsageError where every worker that is there speaks another protocol."""
    if present and all(worker.protocol != PROTOCOL for worker in present):
        one = present[0]
        raise UsageError(
            f"the workers of the pool speak another protocol: {one.name} has VibeGuard "
            f"{one.version} with protocol {one.protocol}, this one has protocol {PROTOCOL}",
            "install the same VibeGuard on both",
        )


def _below(top: str, folder: str) -> str:
    """A folder relative to the top of the repository; empty for the top itself."""
    relative = os.path.relpath(os.path.realpath(folder), top)
    return "" if relative == "." else relative
