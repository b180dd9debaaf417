"""When `watch` may look again: at once after a rest, a tenth of the time while hints go on."""

from vibeguard.system.watch.looking import LONGEST_REST_S, rested_after

LOOK_S = 0.02


def test_the_looks_of_a_save_and_of_the_run_behind_it_leave_the_next_save_unhindered():
    now, rested = 1000.0, 0.0
    for _ in range(3):  # the change, that it has come to rest, and what the run has written
        rested = rested_after(rested, now, LOOK_S)
        now += LOOK_S
    assert rested < now


def test_hints_that_do_not_end_get_a_tenth_of_the_time():
    now, rested, looks = 1000.0, 0.0, 0
    while now < 1100.0:
        rested = rested_after(rested, now, LOOK_S)
        now = max(now + LOOK_S, rested)
        looks += 1
    assert 0.09 < looks * LOOK_S / 100 < 0.12


def test_looks_that_a_busy_machine_made_long_do_not_put_the_next_one_off_for_a_minute():
    """A save was not seen within 60 s: three looks of two seconds each had to be rested from."""
    rested = now = 0.0
    for _ in range(3):
        rested = rested_after(rested, now, 2.0)
        now += 2.0
    assert rested <= now + LONGEST_REST_S
