"""`vibeguard tail`."""

from vibeguard.commands.log_options import TailOptions, only_for_agents
from vibeguard.commands.opening import follow_run, open_run
from vibeguard.commands.options import GlobalOptions, RunName, one_format
from vibeguard.system.front.following import Until
from vibeguard.system.front.outlets import Output
from vibeguard.system.front.shown import format_options
from vibeguard.system.front.view import make_view


def tail(run: RunName = "latest", /, *, common: GlobalOptions, options: TailOptions) -> int:
    """Follow a run from its start, or from --since; end with its exit code."""
    form = one_format(options.format, "jsonl" if common.json else None)
    folder = open_run(run, common, at_work=True)
    output = Output()
    if options.check is not None:
        from vibeguard.system.front.check_output import CheckOutput  # noqa: PLC0415

        copied = CheckOutput(folder, options.check, output)
        return follow_run(folder, copied, output, Until())
    only_for_agents(options.since, form)
    shown = format_options(
        run_folder=folder, verbose=common.verbose, since=options.since, budget=options.budget
    )
    view = make_view(form, shown, output, live=True)
    return follow_run(folder, view, output, Until())
