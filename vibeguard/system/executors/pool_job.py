"""What a worker is asked to do for an attempt."""

import os
from typing import Final

from vibeguard.core.model.settings import PoolSettings
from vibeguard.core.pool.messages import PROTOCOL, Job, Source
from vibeguard.core.wording.units import size
from vibeguard.system.executors.base import AttemptSpec, RemoteSpec
from vibeguard.system.process.start_refused import StartRefused, refused_variable

MOST_LISTED_BYTES: Final = 8 << 20  # the broker keeps them while the job waits
RETURNS_LIMIT_BYTES: Final = 256 << 20


def job_of(
    spec: AttemptSpec, remote: RemoteSpec, client: str, source: Source, settings: PoolSettings
) -> Job:
    """The job that a run, known to workers as `client`, submits. Raises StartRefused."""
    _check_texts(spec, remote)
    return Job(
        protocol=PROTOCOL,
        token=remote.token,
        client=client,
        run_id=spec.run_id,
        check=spec.check,
        attempt=spec.attempt,
        command=spec.command,
        shell=spec.shell,
        source=source,
        labels=remote.labels,
        base=os.fsencode(remote.base),
        folder=os.fsencode(remote.folder),
        environment=dict(remote.variables),
        leaks=spec.leaks,
        leak_grace_ns=spec.leak_grace_ns,
        output_limit_bytes=spec.output_limit_bytes,
        timeout_ns=remote.timeout_ns,
        idle_timeout_ns=remote.idle_timeout_ns,
        returns=remote.returns,
        reports=remote.reports,
        returns_limit_bytes=RETURNS_LIMIT_BYTES,
        lease_ns=settings.lease_ns,
        listed=remote.listed,
        pass_files=bool(spec.files),
    )


def _check_texts(spec: AttemptSpec, remote: RemoteSpec) -> None:
    """Raises StartRefused for what no machine could start."""
    if remote.listed is not None and len(remote.listed) > MOST_LISTED_BYTES:
        raise StartRefused(f"the names of its files are longer than {size(MOST_LISTED_BYTES)}")
    if "\0" in spec.command:
        raise StartRefused("the command holds a NUL character")
    if refused := refused_variable(remote.variables):
        raise StartRefused(refused)
