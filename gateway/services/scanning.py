"""Scanning: each attachment is seen by the antivirus before its document is accepted, or the document is not.

Nothing is stored before, and no transaction is open meanwhile. Without an antivirus in the settings nothing is scanned.
A slow antivirus must not hold everybody: a document has one time for all its attachments, and of the threads that
answer, only some may wait for it; the others wait a moment for one of these to end, while they do end.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, UnavailableError
from gateway.domain.operations import AttachmentContent
from gateway.services.installation import Installation

_log = structlog.get_logger(__name__)


def require_clean(installation: Installation, attachments: Sequence[AttachmentContent]) -> None:
    """Return if the antivirus finds nothing in any attachment.

    Raises InputError ATTACHMENT_INFECTED with the attachment's number and what was found; UnavailableError
    ANTIVIRUS_UNAVAILABLE if there is no verdict on one, or too many wait for theirs: then nothing is accepted.
    """
    scanner = installation.antivirus
    if scanner is None or not attachments:
        return
    try:
        # In this order: who is done gives the seat back before it waits for its turn to compute, and who waits for a
        # seat lets others compute.
        with installation.aside(), scanner.sitting() as look:
            for attachment in attachments:
                found = look(attachment.content)
                if found is not None:
                    raise InputError(Code.ATTACHMENT_INFECTED, number=attachment.number, signature=found)
    except UnavailableError as error:
        _log.error("antivirus gives no verdict", what=error.facts.get("what"))
        raise
