"""A Slurm cluster of several nodes on this machine: munged, slurmctld, and a slurmd a node."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.helpers.waiting import wait_until

PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sinfo")
CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports[0]}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.sock
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
{nodes}
PartitionName=all Nodes=ALL Default=YES State=UP
"""


def _path(name: str) -> str:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or ""


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def slurm(folder: Path, nodes: int) -> Iterator[dict[str, str]]:
    """A cluster for the block; the variables by which `srun` finds it."""
    missing = [name for name in PROGRAMS if not _path(name)]
    if missing or os.getuid() != 0:
        why = f"NO SLURM HERE ({', '.join(missing) or 'not root'}): apt install slurmctld slurmd"
        assert not os.environ.get("CI"), why
        pytest.skip(why)
    host = socket.gethostname().partition(".")[0]
    ports = _free_ports(nodes + 1)
    lines = [
        f"NodeName=n{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1"
        for number, port in enumerate(ports[1:])
    ]
    config = folder / "slurm.conf"
    config.write_text(CONFIG.format(host=host, ports=ports, folder=folder, nodes="\n".join(lines)))
    (folder / "state").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    munged = (
        *(_path("munged"), "--foreground", "--force", f"--key-file={key}"),
        *(f"--socket={folder}/munge.sock", f"--pid-file={folder}/munge.pid"),
        *(f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed"),
    )
    variables = {"SLURM_CONF": str(config)}
    with ExitStack() as running:
        _start(running, munged, variables)
        wait_until((folder / "munge.sock").exists, "munged does not answer")
        _start(running, (_path("slurmctld"), "-D", "-f", str(config)), variables)
        for number in range(nodes):
            spool = folder / f"spool.n{number}"
            spool.mkdir()
            slurmd = (_path("slurmd"), "-D", "-f", str(config), "-N", f"n{number}")
            _start(running, slurmd, variables)
        wait_until(lambda: _idle(variables) == nodes, "the nodes are not there")
        yield variables


def _idle(variables: dict[str, str]) -> int:
    done = subprocess.run(
        ["sinfo", "-h", "-N", "-o", "%T"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split().count("idle")


def _start(running: ExitStack, argv: tuple[str, ...], variables: dict[str, str]) -> None:
    process = subprocess.Popen(
        argv,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    running.callback(process.wait)
    running.callback(process.terminate)
