"""Turns titles into URL slugs."""

from slugline.slug import slugify, unique

__all__ = ["slugify", "unique"]
