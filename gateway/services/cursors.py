"""Cursors: where a party's reading of a list stands, opaque to the reader and good for that list alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId
from gateway.domain.mandate import Operation

# Tells a mistaken cursor, not a forged one: a forged one shows nothing that is not the party's own.
_MARK_OCTETS = 6
_GREATEST = 2**63 - 1  # that a row's number can be


def write(seq: int, operation: Operation, party: PartyId) -> str:
    """Return the cursor that stands after row `seq` of this party's list."""
    number = seq.to_bytes(8, "big")
    return base64.urlsafe_b64encode(number + _mark(number, operation, party)).decode("ascii").rstrip("=")


def read(cursor: str | None, operation: Operation, party: PartyId) -> int:
    """Return the row that the cursor stands after; 0 without a cursor. InputError CURSOR_INVALID if it is not ours."""
    if cursor is None:
        return 0
    try:
        octets = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InputError(Code.CURSOR_INVALID) from None
    number, mark = octets[:8], octets[8:]
    if len(number) != 8 or not hmac.compare_digest(mark, _mark(number, operation, party)):
        raise InputError(Code.CURSOR_INVALID)
    seq = int.from_bytes(number, "big")
    if seq > _GREATEST:
        raise InputError(Code.CURSOR_INVALID)
    return seq


def _mark(number: bytes, operation: Operation, party: PartyId) -> bytes:
    text = f"bropost/cursor/1\x00{operation.value}\x00{party}\x00".encode()
    return hashlib.sha256(text + number).digest()[:_MARK_OCTETS]
