"""What the supervisor does for a check and for the run: limits, cancels, pauses, requests."""

from tests.simulation.mutants import SUPERVISOR, Mutant

MUTANTS = (
    Mutant(
        "an exit that was seen before a cancel loses its outcome",
        SUPERVISOR + "check.py",
        "        if attempt.exited:\n"
        "            return _Ended(await self._end(attempt, TerminationReason.LEAK))\n",
        "",
    ),
    Mutant(
        "a broken limit does not decide the outcome",
        SUPERVISOR + "check.py",
        "return _Ended(await self._end(attempt, reason), reason)\n            self._waiting",
        "return _Ended(await self._end(attempt, reason))\n            self._waiting",
        history=1,
    ),
    Mutant(
        "what could not be killed is judged like any end",
        SUPERVISOR + "check.py",
        "    if result.unkillable:\n        names",
        "    if False:\n        names",
        history=70,
    ),
    Mutant(
        "an output that was not stored is judged all the same",
        SUPERVISOR + "check.py",
        "    if result.output_error:\n        return settled",
        "    if False:\n        return settled",
        history=135,
    ),
    Mutant(
        "an idle check is left alone",
        SUPERVISOR + "limits.py",
        "self._idle_period = _seconds(planned.idle_timeout_ns)",
        "self._idle_period = math.inf",
        history=58,
    ),
    Mutant(
        "a timeout strikes late",
        SUPERVISOR + "limits.py",
        "planned.timeout_ns / SECOND_NS if",
        "planned.timeout_ns * 4 / SECOND_NS if",
        history=5,
    ),
    Mutant(
        "a cancel reaches nothing that runs",
        SUPERVISOR + "run.py",
        "        self.scheduler.feed(request)\n        self._work.cancel()",
        "        self.scheduler.feed(request)",
        history=77,
    ),
    Mutant(
        "a cancel is not synchronised",
        SUPERVISOR + "run.py",
        "self.recorder.record_durably(request)",
        "self.recorder.record(request)",
        history=1,
    ),
    Mutant(
        "a pause does not stop the clock",
        SUPERVISOR + "run.py",
        "                self.executor.pause()\n                self._clock.pause()",
        "                self.executor.pause()",
    ),
    Mutant(
        "a pause does not stop the checks",
        SUPERVISOR + "run.py",
        "                self.executor.pause()\n                self._clock.pause()",
        "                self._clock.pause()",
    ),
    Mutant(
        "checks outlive their front by the grace",
        SUPERVISOR + "services.py",
        "        self._run.grace_ns = 0\n        self._run.cancel(CancelReason.FRONT_LOST)\n"
        "        self._kill()",
        "        self._run.cancel(CancelReason.FRONT_LOST)",
        history=140,
    ),
    Mutant(
        "the end of the front is not noticed",
        SUPERVISOR + "services.py",
        "            if orders is None:\n                break\n",
        "            if orders is None:\n                return\n",
    ),
    Mutant(
        "requests are looked for once",
        SUPERVISOR + "services.py",
        "        while self._take_requests():  # noqa: ASYNC110 - inotify may not be had\n"
        "            await trio.sleep(REQUEST_POLL_S)",
        "        self._take_requests()",
        history=0,
    ),
    Mutant(
        "a suspended machine counts as time of the checks",
        SUPERVISOR + "run_clock.py",
        "            self._paused_ns += int(gap_ns)",
        "            pass",
    ),
    Mutant(
        "a failed write is forgotten",
        SUPERVISOR + "recorder.py",
        "        except LogWriteError as error:\n            self.fail(error)\n            return\n"
        "        if self._log",
        "        except LogWriteError:\n            return\n        if self._log",
        history=33,
    ),
    Mutant(
        "a leak never fails a check",
        SUPERVISOR + "judging.py",
        "return bool(result.leaked) and planned.leaks is LeakPolicy.FAIL",
        "return False",
        history=21,
    ),
    Mutant(
        "a retry comes at once",
        SUPERVISOR + "check.py",
        "            await trio.sleep(delay_ns / SECOND_NS)",
        "            await trio.sleep(0)",
        history=12,
    ),
    Mutant(
        "one more retry than was asked for",
        SUPERVISOR + "check.py",
        "return attempts <= self._planned.retries and",
        "return attempts <= self._planned.retries + 1 and",
        history=1,
    ),
    Mutant(
        "what was cancelled is tried again",
        SUPERVISOR + "check.py",
        "return attempts <= self._planned.retries and not self._is_cancelled",
        "return attempts <= self._planned.retries",
    ),
    Mutant(
        "a cancel of one check does not reach it",
        SUPERVISOR + "run.py",
        "            task.cancel()\n",
        "            pass\n",
    ),
    Mutant(
        "the run's own timeout is forgotten",
        SUPERVISOR + "services.py",
        "        if limit_ns is not None:",
        "        if False:",
        history=164,
    ),
    Mutant(
        "pressure on the machine is not borne",
        SUPERVISOR + "starting.py",
        "if not refusal.transient or now >= self._ends:",
        "if True:",
    ),
    Mutant(
        "what was written is not read back",
        SUPERVISOR + "run_log.py",
        "differences = self.journal.verify() + self._witness.foreign()",
        "differences = self._witness.foreign()",
        history=40,
    ),
    Mutant(
        "the plan is not synchronised",
        SUPERVISOR + "run_log.py",
        "            raise self.recorder.failure\n        self.journal.sync()",
        "            raise self.recorder.failure",
        history=1,
    ),
    Mutant(
        "the front's exit code is 0 whatever the seal says",
        "system/front/guarding.py",
        "return Ending(exit_code=sealed.exit_code, log_status=LogStatus.COMPLETE)",
        "return Ending(exit_code=0, log_status=LogStatus.COMPLETE)",
        why="the front's own process is not simulated",
    ),
)
