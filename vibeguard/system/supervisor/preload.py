"""Import all that this run can need before its first check starts (DESIGN section 5).

A check that reinstalls packages, or worse, cannot change what the verdict is computed with.
"""

import traceback
from importlib import import_module

from vibeguard.core.lang.errors import LanguageError
from vibeguard.core.model.plan import Plan
from vibeguard.core.names import ReusePolicy
from vibeguard.system.channel import Launch


def preload(launch: Launch) -> None:
    """Import what is loaded lazily elsewhere, by using it once on what this launch holds.

    Patterns and expressions have been compiled by the front already: what fails here fails again,
    with its reason, when the check is judged.
    """
    plan = launch.plan
    import_module("encodings.ascii")
    import_module("vibeguard.core.excerpt")
    for pattern in {pattern for check in plan.checks for pattern in check.grok}:
        _use("vibeguard.core.lang.grok", "compile_grok", pattern)
    for text in {check.assertion for check in plan.checks if check.assertion}:
        _use("vibeguard.core.lang.expression", "parse_expression", text)
    for source in {source for check in plan.checks for source in check.results}:
        _use("vibeguard.core.results.registry", "reader_of", source)
    import_module("vibeguard.core.results.guessing")
    import_module("re2")  # what is guessed of a check that fails needs it
    if launch.record_tree:
        import_module("vibeguard.system.discovery.tree")
    if launch.log_dir or any(check.shell != "sh" for check in plan.checks):
        import_module("shutil")
    if any(check.where is not None and check.returns for check in plan.checks):
        import_module("tarfile")
    if may_reuse(plan):
        import_module("vibeguard.system.supervisor.reusing")
    if launch.notify:
        import_module("vibeguard.system.supervisor.notifying")
        _use("vibeguard.system.notifying.process", "import_to_notify", launch.notify)
    _format_a_traceback()


def may_reuse(plan: Plan) -> bool:
    """Whether passes of this run may be reused, in it or in a later one."""
    return any(check.reuse is not ReusePolicy.OFF for check in plan.checks)


def _use(module: str, function: str, value: object) -> None:
    try:
        getattr(import_module(module), function)(value)
    except LanguageError:
        return


def _format_a_traceback() -> None:
    """Tracebacks need modules of their own, and are wanted when nothing else works any more."""
    traceback.format_exception(ExceptionGroup("preload", [LookupError()]))
