"""Did you mean: the name that a misspelt one was probably meant to be."""

from collections.abc import Iterable
from itertools import islice

_MOST_LOOKED_AT = 100  # candidates that might do: a wrong name among 10,000 must not take seconds
_LONGEST = 64  # characters of a word: nobody misspells more, and the work is its square
_LEAST = 0.55  # what two names have in common, as a part of the longer one


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`did you mean "x"?` with the nearest candidate, or the empty text when none is near."""
    best = nearest(word, candidates)
    return f'did you mean "{best}"?' if best else ""


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The candidate most like `word`, or the empty text; the first of equals wins."""
    if not 0 < len(word) <= _LONGEST:
        return ""
    from difflib import SequenceMatcher  # noqa: PLC0415 - only for a word that is wrong

    folded = _folded(word)
    letters, most = set(folded), len(folded) // 3
    alike = (
        name
        for name in candidates
        if len(name) < 2 * len(word) and len(letters.difference(_folded(name))) <= most
    )
    matcher = SequenceMatcher(None, b=folded, autojunk=False)
    best, least = "", _LEAST
    for name in islice(alike, _MOST_LOOKED_AT):
        matcher.set_seq1(other := _folded(name))
        common = sum(block.size for block in matcher.get_matching_blocks())
        part = common / max(len(other), len(folded))
        if part > least:
            best, least = name, part
    return best


def _folded(word: str) -> str:
    return word.lstrip("-").casefold().replace("-", "_")  # the dashes of a flag are nothing alike
