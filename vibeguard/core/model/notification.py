"""`settings.notify`: who is told how a run ended, and what became of the telling."""

from typing import Annotated

from msgspec import Struct

from vibeguard.core.model import keys
from vibeguard.core.model.keys import Key
from vibeguard.core.names import Occasion


class Notification(Struct, frozen=True, omit_defaults=True, gc=False):
    """One entry of `notify`: a command or an address, and the ends that it is told of."""

    command: Annotated[
        str,
        Key(
            "a command of `sh` that gets the report document on its standard input",
            keys.CommandLine(),
        ),
    ] = ""
    webhook: Annotated[
        str,
        Key(
            "an `https` address that the document is sent to, signed ([how](notify.md))",
            keys.WebAddress(),
        ),
    ] = ""
    on: Annotated[
        tuple[Occasion, ...],
        Key(
            "which ends it is told of: `passed`, `failed`, `cancelled`; `finished` is any",
            keys.Choices(Occasion, "value of on"),
        ),
    ] = (Occasion.FINISHED,)


class Told(Struct, frozen=True, omit_defaults=True, gc=False):
    """How the telling of one end went; `error` is empty where it arrived."""

    target: str
    attempts: int
    error: str = ""
