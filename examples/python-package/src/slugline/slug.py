"""Slugs: lower-case words joined by hyphens, safe in a URL and in a file name."""

import re
import unicodedata
from collections.abc import Container

NOT_A_WORD = re.compile(r"[^a-z0-9]+")


def slugify(title: str, *, limit: int = 60) -> str:
    """The slug of a title, at most `limit` characters, cut between words."""
    folded = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    slug = NOT_A_WORD.sub("-", folded.lower()).strip("-")
    if len(slug) <= limit:
        return slug
    words, _, _ = slug[: limit + 1].rpartition("-")
    return words or slug[:limit]


def unique(slug: str, taken: Container[str]) -> str:
    """The slug itself, or with the first free number behind it."""
    if slug not in taken:
        return slug
    number = 2
    while f"{slug}-{number}" in taken:
        number += 1
    return f"{slug}-{number}"
