"""How many examples a property is tried with: few in the quick suite, many at night."""

from hypothesis import settings


def examples(share: float) -> int:
    """So many for a property that is `share` times as cheap as the usual one."""
    return max(1, round(settings().max_examples * share))
