"""Import all that the front of a run can need before its first check starts (DESIGN section 5).

A check may reinstall VibeGuard, or remove it. What a format needs to begin with comes with its
view; here is what is put off elsewhere, since most commands do without.
"""

from importlib import import_module
from typing import Final

from vibeguard.core.model.plan import Plan

_OF_FAILURES: Final = (
    "traceback",
    "vibeguard.core.excerpt.running",
    "vibeguard.core.report.build",
)
_OF_FORMATS: Final = {
    "agent": (
        "vibeguard.system.discovery.changes",
        "vibeguard.system.front.former",
        "vibeguard.system.vouching.exchange",
    )
}


def import_ahead(format_name: str, plan: Plan) -> None:
    """Import it, for a run of this plan that is shown in this format."""
    for module in (*_OF_FAILURES, *_OF_FORMATS.get(format_name, ())):
        import_module(module)
    if any(check.suggestion or check.fix for check in plan.checks):
        import_module("vibeguard.core.lang.template")
