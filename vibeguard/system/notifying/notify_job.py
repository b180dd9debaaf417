"""What the process that tells others is given."""

from msgspec import Struct

from vibeguard.core.model.notification import Notification


class NotifyJob(Struct, frozen=True):
    """Tell these of a run that has ended; `document` is its report, as JSON.

    Commands run in `folder` with `environment`; what became of it is noted in `run_folder`.
    """

    notifications: tuple[Notification, ...]
    run_id: str
    run_folder: bytes
    folder: bytes
    environment: dict[bytes, bytes]
    document: bytes
