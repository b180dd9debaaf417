"""`settings.notify`: who is told how a run ended, and what became of the telling."""

from typing import Annotated

from msgspec import Struct

from vibeguard.core.model import keys
from vibeguard.core.names import Occasion


class Notification(Struct, frozen=True, omit_defaults=True, gc=False):
    """One entry of `notify`: a command or an address, and the ends that it is told of."""

    command: Annotated[str, keys.Plain()] = ""
    webhook: Annotated[str, keys.WebAddress()] = ""
    on: Annotated[tuple[Occasion, ...], keys.Choices(Occasion, "value of on")] = (
        Occasion.FINISHED,
    )


class Told(Struct, frozen=True, omit_defaults=True, gc=False):
    """How the telling of one end went; `error` is empty where it arrived."""

    target: str
    attempts: int
    error: str = ""
