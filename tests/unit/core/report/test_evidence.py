"""The line of `evidence`."""

import pytest

from vibeguard.core.report.evidence import Evidence, evidence_line


@pytest.mark.parametrize(
    ("passed", "reused", "said"),
    [
        (("unit",), (), "verified: the one check passed on this tree (run R)"),
        (("unit",), ("unit",), "verified: the one check passed on this tree, reused (run R)"),
        (("unit", "lint"), (), "verified: all 2 checks passed on this tree (run R)"),
        (
            ("unit", "lint"),
            ("lint",),
            "verified: all 2 checks passed on this tree, 1 of them reused (run R)",
        ),
    ],
)
def test_it_speaks_of_one_check_as_of_one(passed, reused, said):
    evidence = Evidence(
        verified=True,
        exit_code=0,
        tree="T",
        config_sha256="C",
        total=len(passed),
        passed=passed,
        not_passed=(),
        unknown=(),
        runs=("R",),
        reused=reused,
    )
    assert evidence_line(evidence) == said
