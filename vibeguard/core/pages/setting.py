"""What the page of a run depends on beside the run."""

from msgspec import Struct

from vibeguard.core.model.state import State
from vibeguard.core.pages.places import Places


class Setting(Struct, frozen=True):
    """Where the run lies, where links lead, and the run that it is compared with."""

    run_folder: str
    places: Places
    style: str
    script: str
    former: State | None = None
