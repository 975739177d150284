"""What time makes superfluous: replay keys that could match nothing any more, files that a crash left behind."""

from __future__ import annotations

from gateway.services.installation import Installation
from gateway.storage import replay


def tidy(installation: Installation) -> None:
    """Forget expired replay keys, and remove files that no document knows.

    It looks at every file, so it is done seldom, and no transaction is open meanwhile.
    """
    now = installation.clock()
    with installation.database.read() as connection:
        has_expired = replay.has_expired(connection, now)
    if has_expired:
        with installation.database.transaction() as connection:
            replay.forget_expired(connection, now)
    with installation.database.read() as connection:
        installation.blobs.remove_unreferenced(connection, now)
