"""The targets of a Makefile that check."""

import re
from collections.abc import Iterator
from itertools import takewhile

from vibeguard.core.proposing.base import Project, Proposal
from vibeguard.core.proposing.recipes import recipe

_RULE = re.compile(r"^([\w.-]+(?:[ \t]+[\w.-]+)*)[ \t]*::?(?![=:])")
_RUN = """\
if make -q {name} >/dev/null 2>&1; then echo "make {name} would run nothing"; exit 1; fi
make {name}
"""


def detect(project: Project, path: str) -> Iterator[Proposal]:
    """Those with a recipe of their own. Nothing passes because make calls it up to date."""
    lines = project.texts.get(path, "").splitlines()
    for number, line in enumerate(lines):
        rule = _RULE.match(line)
        if rule is None:
            continue
        body = takewhile(lambda text: text.startswith("\t"), lines[number + 1 :])
        text = "\n".join(text.strip(" \t@-") for text in body)
        for name in rule[1].split():
            run = _RUN.format(name=name)
            yield from recipe(name, text, run, source=path, language="make")
