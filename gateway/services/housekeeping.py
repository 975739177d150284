"""What time makes superfluous: replay keys that could match nothing any more, files that a crash left behind."""

from __future__ import annotations

from gateway.services.installation import Installation
from gateway.storage import replay


def tidy(installation: Installation) -> None:
    """Forget expired replay keys; a transaction only if there are any."""
    now = installation.clock()
    with installation.database.read() as connection:
        if not replay.has_expired(connection, now):
            return
    with installation.database.transaction() as connection:
        replay.forget_expired(connection, now)
        installation.blobs.remove_unreferenced(connection, now)
