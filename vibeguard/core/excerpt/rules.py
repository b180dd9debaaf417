"""The list of rules, in its order: test runners, compilers and linters, then what any tool may say.

A rule is for one tool's way of writing. Its mark must be certain, since the first rule that fits
wins; tools that wrap others (Maven, make) come after the tools that they wrap. Lines have at most
400 characters here, so that no pattern can take long.
"""

from vibeguard.core.excerpt.compilers import COMPILERS
from vibeguard.core.excerpt.linters import LINTERS
from vibeguard.core.excerpt.picking import Rule
from vibeguard.core.excerpt.programs import PROGRAMS
from vibeguard.core.excerpt.test_runners import TEST_RUNNERS

RULES: tuple[Rule, ...] = (*TEST_RUNNERS, *COMPILERS, *LINTERS, *PROGRAMS)
