"""Each row of "What can happen, and how it ends" (docs/workers.md) has a test that shows it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DESIGN, UNIT = "tests/design/test_s13_", "tests/unit/"
MANY, TROUBLE, ENDS = f"{DESIGN}many_machines.py", f"{DESIGN}trouble.py", f"{DESIGN}ends.py"
CUTS, WORKERS = f"{DESIGN}cuts.py", f"{DESIGN}workers.py"
PROTOCOL = f"{UNIT}core/pool/test_protocol.py"
OFFERS = f"{UNIT}system/executors/test_pool_offers.py"

# How a row begins, and what shows it.
SHOWN = {
    "the worker is killed": [(MANY, "test_a_killed_or_stopped_worker_is_lost_never_failed")],
    "the guardian is killed": [(MANY, "test_a_killed_or_stopped_worker_is_lost_never_failed")],
    "the guardian is stopped": [(TROUBLE, "test_a_guardian_that_is_stopped_changes_nothing")],
    "both are killed at once": [(MANY, "test_a_killed_or_stopped_worker_is_lost_never_failed")],
    "the worker is stopped (SIGSTOP) shorter than the lease": [
        (ENDS, "test_a_worker_that_is_stopped_for_less_than_its_lease_loses_nothing")
    ],
    "longer": [(MANY, "test_a_killed_or_stopped_worker_is_lost_never_failed")],
    "worker and guardian are stopped, shorter than the lease": [
        (ENDS, "test_a_worker_that_is_stopped_for_less_than_its_lease_loses_nothing")
    ],
    "longer; or the machine is gone": [
        (ENDS, "test_a_machine_that_stands_still_is_lost_and_ends_its_tree_when_it_goes_on"),
        (CUTS, "test_a_cut_for_good_is_lost_and_the_tree_is_gone_before_that_is_said"),
    ],
    "the broker is away, or the network cut, for up to eight tenths of a lease of 5 s or more": [
        (ENDS, "test_a_broker_that_stands_still_for_less_than_the_lease_loses_nothing"),
        (CUTS, "test_a_cut_of_a_second_changes_nothing"),
        (CUTS, "test_a_cut_of_eight_tenths_of_the_lease_changes_nothing"),
    ],
    "longer, or stopped for good": [
        (MANY, "test_a_broker_that_is_stopped_for_good_hangs_nobody"),
        (ENDS, "test_a_broker_that_is_killed_for_good_hangs_nobody"),
        (CUTS, "test_a_cut_for_good_is_lost_and_the_tree_is_gone_before_that_is_said"),
        (WORKERS, "test_a_worker_whose_broker_is_lost_exits_3"),
    ],
    "the broker takes nothing any more for a minute: since a failover it is a replica": [
        (WORKERS, "test_a_worker_whose_broker_takes_nothing_any_more_exits_3"),
    ],
    "the broker comes back empty": [
        (MANY, "test_a_broker_that_comes_back_empty_costs_nothing"),
        (ENDS, "test_a_broker_that_comes_back_empty_is_told_again_what_waits"),
    ],
    "a job is queued three times, or handed out twice": [
        (ENDS, "test_a_job_that_is_queued_three_times_and_handed_out_again_runs_once"),
        (PROTOCOL, "a_job_taken_twice_runs_once"),
    ],
    "a worker takes a job and is not heard of again, or cannot do it": [
        (PROTOCOL, "a_silent_taker_gives_the_job_back"),
        (OFFERS, "test_a_job_that_three_workers_cannot_do_is_an_error_that_says_why"),
        (OFFERS, "test_a_job_that_one_worker_cannot_do_waits_for_another_that_has_no_room"),
    ],
    "Go comes later than 5 s after the offer": [(PROTOCOL, "a_go_after_its_offer_starts_nothing")],
    "a message is repeated, forged, unsigned or altered": [
        (TROUBLE, "test_messages_that_are_repeated_altered_or_unsigned_change_nothing"),
        (f"{UNIT}system/pool/test_broker.py", "test_what_another_key_sealed_is_not_believed"),
    ],
    "a job is forged, or put in another one's place": [
        (TROUBLE, "test_a_job_that_is_not_sealed_with_the_key_never_runs"),
        (
            f"{UNIT}system/pool/test_broker.py",
            "test_a_sealed_job_cannot_be_put_under_another_token",
        ),
    ],
    "every worker speaks another protocol": [
        (TROUBLE, "test_workers_of_another_protocol_are_refused_before_anything_ran"),
        (
            f"{UNIT}system/pool/test_broker.py",
            "test_a_job_is_no_workers_that_speaks_another_protocol",
        ),
    ],
    "the output is altered on its way": [
        (f"{UNIT}system/executors/test_pool_attempt.py", "test_altered_output_is_lost")
    ],
    "the disk of a worker is full": [
        (
            f"{UNIT}system/executors/test_pool_attempt.py",
            "test_a_full_disk_of_a_worker_loses_the_attempt_and_cancels_no_run",
        )
    ],
    "the supervisor is killed": [
        (MANY, "test_a_supervisor_that_is_killed_leaves_nothing_on_the_worker")
    ],
    "the supervisor is stopped shorter than the lease": [
        (ENDS, "test_a_supervisor_that_is_stopped_loses_what_outlives_its_lease")
    ],
    "the supervisor is stopped longer": [
        (ENDS, "test_a_supervisor_that_is_stopped_loses_what_outlives_its_lease")
    ],
    "the front is stopped": [(ENDS, "test_a_front_that_is_stopped_holds_nothing_up")],
    "the front is killed": [
        (TROUBLE, "test_a_front_that_is_killed_leaves_nothing_on_the_worker"),
        (TROUBLE, "test_a_run_in_the_background_is_followed_from_elsewhere"),
    ],
    "nobody has the labels within `queue_timeout`": [
        (MANY, "test_labels_that_nobody_has_are_an_error_that_says_what_is_there")
    ],
    "a worker took it, and has made no folder within `queue_timeout`": [
        (OFFERS, "test_a_folder_that_took_longer_than_the_queue_timeout_is_no_missing_worker")
    ],
    "the broker is full": [(TROUBLE, "test_a_broker_that_is_full_is_an_error_in_its_words")],
    "rights are taken away in the middle of a run": [
        (OFFERS, "test_what_is_lost_while_the_broker_refuses_says_so")
    ],
    "timeout, `run_timeout`, cancel, fail-fast, Ctrl-C": [
        (MANY, "test_a_timeout_by_the_workers_clock_ends_the_tree"),
        (MANY, "test_a_cancel_of_a_waiting_check_frees_the_run_at_once"),
        (TROUBLE, "test_the_time_limit_of_a_run_ends_what_runs_on_workers"),
        (TROUBLE, "test_fail_fast_ends_what_runs_on_workers"),
        (TROUBLE, "test_a_signal_ends_what_runs_on_workers"),
        (PROTOCOL, "an_end_that_is_not_confirmed_is_lost_after_the_grace"),
    ],
    "a pause (Ctrl-Z)": [(TROUBLE, "test_a_pause_longer_than_the_lease_loses_nothing")],
    "the worker is told to stop": [
        (WORKERS, "test_a_worker_that_is_told_to_stop_ends_what_it_can_and_takes_nothing_new"),
        (WORKERS, "test_what_does_not_end_in_time_is_lost_never_failed"),
    ],
    "a stop of everything (a service manager, `scancel`) signals the checks as well": [
        (WORKERS, "test_what_a_stop_of_everything_ends_is_lost_never_failed")
    ],
}


def test_the_table_has_these_rows() -> None:
    page = (ROOT / "docs" / "workers.md").read_text()
    table = page.partition("| what happens | how it ends |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (.+?) \|", table, re.MULTILINE)
    assert rows == list(SHOWN)


@pytest.mark.parametrize("row", SHOWN)
def test_a_row_is_shown(row: str) -> None:
    for file, test in SHOWN[row]:
        assert f"\ndef {test}(" in (ROOT / file).read_text(), f"{test} is not in {file}"
