"""The places where docs/workers.md says that workers run: its YAML is read, its Slurm line is run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.helpers.brokers import broker
from tests.helpers.command import ROOT, environment, vibeguard
from tests.helpers.pools import Pool, project, report, repository
from tests.helpers.running import running
from tests.helpers.slurm import slurm
from tests.helpers.waiting import wait_until

PAGE = (ROOT / "docs" / "workers.md").read_text()
SNIPPETS = [
    yaml.safe_load(text) for text in re.findall(r"```yaml snippet\n(.*?)```", PAGE, re.DOTALL)
]


def worker_lines(text: str) -> list[list[str]]:
    """Every command line of a worker in a text, from `worker` on."""
    found = re.findall(r"vibeguard (worker(?: [^'`|;&#\n]*)?)", text)
    return [shlex.split(words.replace("${{ github.run_id }}", "1")) for words in found]


@pytest.mark.slow
def test_every_command_line_of_a_worker_is_one(tmp_path: Path) -> None:
    """It fails for want of an address, and for nothing else."""
    kubernetes = SNIPPETS[1]["spec"]["template"]["spec"]["containers"][0]["args"]
    lines = [*worker_lines(PAGE), kubernetes[1:]]
    assert len([line for line in lines if "--pool" in line]) >= 5
    for line in {tuple(line): None for line in lines if "--pool" in line}:
        done = vibeguard(*line, cwd=tmp_path)
        assert done.returncode == 2, line
        assert "VIBEGUARD_POOL_URL is not set" in done.stderr, line


def test_the_matrix_has_workers_beside_one_run() -> None:
    jobs = SNIPPETS[0]["jobs"]
    assert len(jobs["workers"]["strategy"]["matrix"]["n"]) > 1
    workers, run = ("\n".join(s.get("run", "") for s in jobs[j]["steps"]) for j in jobs)
    assert "vibeguard worker" in workers
    assert "--once" in workers
    assert "vibeguard run" in run
    for job in jobs.values():
        assert {"VIBEGUARD_POOL_URL"} <= job["env"].keys()
        assert {step["uses"] for step in job["steps"] if "uses" in step} == {"actions/checkout@v4"}


def test_the_deployment_mounts_its_key_for_its_owner_alone() -> None:
    made = SNIPPETS[1]
    pod = made["spec"]["template"]
    assert made["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    [container], [volume] = pod["spec"]["containers"], pod["spec"]["volumes"]
    assert volume["secret"]["defaultMode"] == 0o400
    [mount] = container["volumeMounts"]
    assert mount["name"] == volume["name"]
    [variable] = container["env"]
    assert variable["name"] == "VIBEGUARD_POOL_KEY_FILE"
    assert variable["value"].startswith(mount["mountPath"])


@pytest.mark.nightly
def test_workers_that_slurm_starts_take_the_checks_of_a_run(tmp_path: Path) -> None:
    """The line of the page on four nodes; without GPUs, which this machine need not have."""
    [line] = re.findall(r"`srun ([^`]*)`", PAGE)
    options, _, arguments = line.partition(" vibeguard ")
    options = options.replace("--gpus-per-task=1", "")
    with broker() as server, slurm(tmp_path, nodes=4) as cluster:
        pool = Pool(server, tmp_path)
        source = repository(tmp_path / "source")
        command = [
            *("srun", *options.split(), sys.executable, "-m", "vibeguard"),
            *arguments.replace("--pool ci", f"--pool {pool.name}").split(),
            *("--repository", str(source)),
        ]
        checks = "".join(
            f"  - {{id: c{n}, where: {{labels: [gpu]}}, run: 'echo $SLURMD_NODENAME; sleep 1'}}\n"
            for n in range(8)
        )
        folder = project(pool, source, tmp_path, checks)
        srun = subprocess.Popen(command, env=environment(**pool.variables, **cluster))
        try:
            wait_until(lambda: len(pool.present()) == 4, "the workers are not there")
            with running(folder, "run", **pool.variables) as run:
                code, _, err = run.end()
            assert code == 0, err
            assert srun.wait(60) == 0
        finally:
            srun.kill()
            srun.wait()
        outputs = folder.glob(".vibeguard/runs/*/output/*.log")
        nodes = {path.read_text().strip() for path in outputs}
        assert len(nodes) > 1, nodes
        assert {check["status"] for check in report(folder).values()} == {"passed"}
