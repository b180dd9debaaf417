"""What the supervisor does for a check and for the run: limits, cancels, pauses, requests."""

from tests.simulation.mutants import Mutant

MUTANTS = (
    Mutant(
        "an exit that was seen before a cancel loses its outcome",
        "        if attempt.exited:\n"
        "            return Ended(await self._end(attempt, TerminationReason.LEAK))\n",
        "",
        history=131,
    ),
    Mutant(
        "a broken limit does not decide the outcome",
        "return Ended(await self._end(attempt, reason), reason)\n            self.waiting",
        "return Ended(await self._end(attempt, reason))\n            self.waiting",
        history=1,
    ),
    Mutant(
        "what could not be killed is judged like any end",
        "    if result.unkillable:\n        names",
        "    if False:\n        names",
        history=70,
    ),
    Mutant(
        "an output that was not stored is judged all the same",
        "    if result.output_error:\n        return settled",
        "    if False:\n        return settled",
        history=135,
    ),
    Mutant(
        "an idle check is left alone",
        "self._idle_period = _seconds(planned.idle_timeout_ns)",
        "self._idle_period = math.inf",
        history=58,
    ),
    Mutant(
        "a timeout strikes late",
        "planned.timeout_ns / SECOND_NS if",
        "planned.timeout_ns * 4 / SECOND_NS if",
        history=28,
    ),
    Mutant(
        "a cancel reaches nothing that runs",
        "        self.scheduler.feed(request)\n        self._work.cancel()",
        "        self.scheduler.feed(request)",
        history=77,
    ),
    Mutant(
        "a cancel is not synchronised",
        "self.recorder.record_durably(request)",
        "self.recorder.record(request)",
        history=1,
    ),
    Mutant(
        "a pause does not stop the clock",
        "                self._support.executor.pause()\n                self._clock.pause()",
        "                self._support.executor.pause()",
        history=41,
    ),
    Mutant(
        "a pause does not stop the checks",
        "                self._support.executor.pause()\n                self._clock.pause()",
        "                self._clock.pause()",
        history=67,
    ),
    Mutant(
        "checks outlive their front by the grace",
        "        self.run.cancel(CancelReason.FRONT_LOST)\n        self.run.kill(self.nursery)",
        "        self.run.cancel(CancelReason.FRONT_LOST)",
        history=537,
    ),
    Mutant(
        "the end of the front is not noticed",
        "            if orders is None:\n                break\n",
        "            if orders is None:\n                return\n",
        history=181,
    ),
    Mutant(
        "requests are looked for once",
        "        while self._take_requests():  # noqa: ASYNC110 - inotify may not be had\n"
        "            await trio.sleep(REQUEST_POLL_S)",
        "        self._take_requests()",
        history=402,
    ),
    Mutant(
        "a suspended machine counts as time of the checks",
        "            self._paused_ns += int(gap_ns)",
        "            pass",
        history=338,
    ),
    Mutant(
        "a failed write is forgotten",
        "        except LogWriteError as error:\n            self.fail(error)\n            return\n"
        "        if self.log",
        "        except LogWriteError:\n            return\n        if self.log",
        history=33,
    ),
    Mutant(
        "a leak never fails a check",
        "return bool(result.leaked) and planned.leaks is LeakPolicy.FAIL",
        "return False",
        history=38,
    ),
    Mutant(
        "a retry comes at once",
        "            await trio.sleep(delay_ns / SECOND_NS)",
        "            await trio.sleep(0)",
        history=12,
    ),
    Mutant(
        "one more retry than was asked for",
        "if failed and attempts <= planned.retries and",
        "if failed and attempts <= planned.retries + 1 and",
        history=1,
    ),
    Mutant(
        "what was cancelled is tried again",
        "if failed and attempts <= planned.retries and not self._is_cancelled",
        "if failed and attempts <= planned.retries",
        history=278,
    ),
    Mutant(
        "a cancel of one check does not reach it",
        "            task.cancel()\n",
        "            pass\n",
        history=430,
    ),
    Mutant(
        "the run's own timeout is forgotten",
        "        if limit_ns is not None:",
        "        if False:",
        history=164,
    ),
    Mutant(
        "pressure on the machine is not borne",
        "if not refusal.transient or now >= self._since + patience_s:",
        "if True:",
        history=178,
    ),
    Mutant(
        "what was written is not read back",
        "differences = self.journal.verify() + self._foreign()",
        "differences = self._foreign()",
        history=345,
    ),
    Mutant(
        "the plan is not synchronised",
        "            raise self.recorder.failure\n        self.journal.sync()",
        "            raise self.recorder.failure",
        history=1,
    ),
    Mutant(
        "the front's exit code is 0 whatever the seal says",
        "return Ending(exit_code=sealed.exit_code, log_status=LogStatus.COMPLETE)",
        "return Ending(exit_code=0, log_status=LogStatus.COMPLETE)",
        why="the front's own process is not simulated",
        test="tests/design/test_s3_judging.py::test_an_order_of_a_number_and_a_text_is_a_bad_value",
    ),
)
