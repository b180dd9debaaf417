"""Did you mean: the name that a misspelt one was probably meant to be."""

from collections.abc import Iterable, Iterator

_MOST_LOOKED_AT = 1_000  # candidates: a wrong name among 10,000 must not take seconds
_MOST_CELLS = 20_000  # of all tables of distances that one word is worth: some milliseconds
_LONGEST = 64  # characters of a word: nobody misspells more, and the work is its square


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """`did you mean "x"?` with the nearest candidate, or the empty text when none is near.

    Near means: the same but for case, or at most one edit (insertion, deletion, replacement, swap
    of neighbours) for every three characters, never more than three; else that it begins with
    the word. The first of equals wins.
    """
    best = nearest(word, candidates)
    return f'did you mean "{best}"?' if best else ""


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The candidate nearest to `word`, or the empty text."""
    candidates = tuple(candidates)
    if not word or len(word) > _LONGEST:
        return ""
    folded = _folded(word)
    letters = set(folded)
    allowed = min(3, max(1, len(word) // 3))
    best, best_distance, cells = "", allowed + 1, _MOST_CELLS
    for candidate in _plausible(len(word), allowed, candidates):
        other = _folded(candidate)
        if other == folded:
            return candidate
        if len(word) < 3 and len(other) == len(word) and sorted(other) != sorted(folded):
            continue  # another letter makes another word of two: `if` is no misspelt `id`
        if len(letters.difference(other)) >= best_distance:
            continue  # each letter that the other has not is an edit
        cells -= len(word) * len(other)
        if cells < 0:
            break
        distance = edit_distance(folded, other, best_distance - 1)
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best or _begun(word, candidates)


def _begun(word: str, candidates: Iterable[str]) -> str:
    """The first candidate that the word is the beginning of (`warn`), if there is enough of it."""
    if len(word) < 3:
        return ""
    begun = (name for name in candidates if name.startswith(word) and len(name) <= _LONGEST)
    return next(begun, "")


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_")


def _plausible(length: int, allowed: int, candidates: Iterable[str]) -> Iterator[str]:
    """Candidates whose length alone does not rule them out, not too many of them."""
    looked_at = 0
    for candidate in candidates:
        if candidate and abs(len(candidate) - length) <= allowed:
            yield candidate
            looked_at += 1
            if looked_at == _MOST_LOOKED_AT:
                return


def _without_common_ends(left: str, right: str) -> tuple[str, str]:
    """What two texts do not share at their ends: ids are long and differ in little."""
    shorter = min(len(left), len(right))
    start = 0
    while start < shorter and left[start] == right[start]:
        start += 1
    end = 0
    while end < shorter - start and left[-1 - end] == right[-1 - end]:
        end += 1
    return left[start : len(left) - end], right[start : len(right) - end]


def edit_distance(left: str, right: str, most: int) -> int:
    """Edits that turn one text into the other (neighbours may swap), or `most` + 1 if more."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    left, right = _without_common_ends(left, right)
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        after = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, after[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            after.append(cost)
        if min(after) > most and min(row) > most:
            return most + 1
        before, row = row, after
    return min(row[-1], most + 1)
