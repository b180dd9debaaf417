"""The record of the order of runs, after a crash of the machine or a full disk cut its last line."""

import pytest

from vibeguard.system.rundir.order import note_started, outermost, read_order

OLDER = "20261128T181851.372428Z-1262"
NEWER = "20261128T183048.168460Z-d1bd"


@pytest.mark.parametrize(
    "torn", [b"20261128T1830", b"\0" * 62, OLDER.encode()], ids=["cut", "zeros", "id"]
)
def test_what_is_recorded_after_a_torn_line_is_a_line_of_its_own(tmp_path, torn):
    """Else the newest run is of no record, and `latest` goes on naming an older pass."""
    note_started(str(tmp_path), OLDER)
    with (tmp_path / "order").open("ab") as record:
        record.write(torn)
    note_started(str(tmp_path), NEWER)
    assert outermost(read_order(str(tmp_path))) == [OLDER, NEWER]
