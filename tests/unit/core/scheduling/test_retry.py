"""How long a retry waits: half of it fixed, half drawn from the seed of the run."""

import pytest

from vibeguard.core.scheduling.retry import BASE_NS, CAP_NS, retry_delay_ns


@pytest.mark.parametrize(
    ("attempt", "most"), [(2, BASE_NS), (3, 2 * BASE_NS), (7, 32 * BASE_NS), (8, CAP_NS)]
)
def test_the_delay_doubles_up_to_the_cap_and_half_of_it_is_drawn(attempt, most):
    delays = [retry_delay_ns(seed, "a", attempt) for seed in range(200)]
    assert most // 2 <= min(delays) < most * 0.52
    assert most * 0.98 < max(delays) < most


def test_no_number_of_attempts_is_too_large():
    assert retry_delay_ns(1, "a", 10_000) < CAP_NS


def test_it_is_the_same_at_each_replay_and_another_for_each_check_and_attempt():
    assert retry_delay_ns(7, "a", 2) == 255_466_211
    assert len({retry_delay_ns(7, check, 20 + n) for check in "abc" for n in range(3)}) == 9
