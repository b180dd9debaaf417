"""Advice on where checks run comes from habits far from the threshold, and only for `auto`."""

import pytest

from tests.helpers.virtual import check
from vibeguard.core.history import Estimate
from vibeguard.core.names import Pool
from vibeguard.core.report.config_advice import LEAST_SAMPLES, placement_advice

MINUTE = 60 * 10**9


def advice(pool, p75_ns, *, mode="auto", samples=LEAST_SAMPLES):
    estimate = Estimate(expected_ns=p75_ns, p75_ns=p75_ns, samples=samples)
    return placement_advice([(check("a", mode=mode), pool)], {"a": estimate}, MINUTE)


def test_a_quick_check_in_the_background_is_named():
    (sentence,) = advice(Pool.BACKGROUND, MINUTE // 20)
    assert sentence.startswith("a runs in the background")
    assert "took 3s or less" in sentence


def test_a_slow_check_in_the_foreground_is_named():
    (sentence,) = advice(Pool.FOREGROUND, 3 * MINUTE)
    assert "async: true" in sentence


@pytest.mark.parametrize(
    ("pool", "p75_ns"), [(Pool.BACKGROUND, MINUTE // 2), (Pool.FOREGROUND, MINUTE)]
)
def test_what_is_near_the_threshold_is_left_alone(pool, p75_ns):
    assert advice(pool, p75_ns) == []


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_what_the_config_decides_is_not_argued_with(mode):
    assert advice(Pool.BACKGROUND, 1, mode=mode) == []
    assert advice(Pool.FOREGROUND, 9 * MINUTE, mode=mode) == []


def test_a_few_runs_are_no_habit():
    assert advice(Pool.BACKGROUND, 1, samples=LEAST_SAMPLES - 1) == []
