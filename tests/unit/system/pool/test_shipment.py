"""What is packed of a run's files for its workers."""

import os
from pathlib import Path

from tests.helpers.pools import git, repository
from vibeguard.system.pool.shipment import begin_capture


def test_the_pack_holds_what_the_commit_lacks_and_no_more(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    for number in range(20):
        (folder / f"large{number}").write_bytes(os.urandom(10_000))
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "large")
    (folder / "tracked").write_text("two\n")
    (folder / "new").write_text("new\n")
    shipment = begin_capture(str(folder), os.environb).result()
    assert 0 < len(shipment.pack) < 2_000
    assert shipment.source.commit == git(folder, "rev-parse", "HEAD").strip()
