"""What every event carries; `events` has all of their types."""

from msgspec import Struct


class Envelope(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True, gc=False):
    """What every event carries. -1 means: not yet stamped by the journal."""

    seq: int = -1
    t: int = -1
