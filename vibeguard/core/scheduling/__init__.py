"""The scheduler of a run: one pure machine. Events of the run in, the next moves out.

    scheduler     the rules, in the order in which they win: begin at `Scheduler.next_move`
    index         what the rules look at beside the State, kept in step with it
    moves         all that it can say; `system.supervisor.run` carries it out
    requirements  who waits for whom
    slots         who waits for a slot or a group, and whose claim comes next
    settlement    `check.settled` of a check, filled in from its record
    retry         how long a next attempt waits
    forecast      how long the rest may take: the same machine, fed a future in which all passes

A check is ready when the last requirement that it waits for has passed (`_advance_frontier`): all
that become ready in one step are a frontier, and their tasks share a nursery. The best claim of its
pool that fits gets the free slot (`_offer_slot`, `Slots.offer`). When a requirement fails,
everything that requires it and has not started is skipped (`_skip_dependents`). After a cancel what
does not run, queued or not, settles at once (`_cancel_what_does_not_run`); what runs settles when
its task has ended its processes. The exit code does not come from here but from the State, once
every check has settled: `core.fold.verdict`, where the code of a cancel comes before all else.
"""
