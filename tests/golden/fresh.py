"""A golden document as if it were written now, for tests that run the whole way by a real clock.

All days move by the same number of days, so the rules find what they find in the golden document. The day of birth
moves too, and the CPR number with it: it stays a fictional one, with the first digit of its day raised by six.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from gateway.domain.calendar import local_day
from gateway.domain.document import SealedBy
from gateway.domain.identifiers import Uuid4
from gateway.xmlcore.namespaces import DOCUMENT
from gateway.xmlcore.parse import parse
from tests.golden.changes import Insert, Remove, SetText, select, with_changes

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HEADER: Final = "/Document/Header"
_GOLDEN_DAY: Final = date(2026, 8, 5)  # of the first golden letter
_RAISED: Final = 60  # days; the first digit of the day raised by six


@dataclass(frozen=True)
class Attached:
    """One file to list in the manifest, with what the manifest says of it."""

    octets: bytes
    file_name: str = "skema.pdf"
    media_type: str = "application/pdf"
    title: str = "Skema"
    category: str = "education"


def fresh(
    octets: bytes,
    at: datetime,
    *,
    sealed_by: SealedBy = SealedBy.SYSTEM,
    document_id: Uuid4 | None = None,
    conversation_id: Uuid4 | None = None,
    attachments: Sequence[Attached] | None = None,
    person_at: datetime | None = None,
) -> bytes:
    """The document (unsigned) as if it were made at this time (zoned), with a new nonce.

    Its ids are new ones unless given. References to earlier documents stay as they are. `attachments` replace the
    manifest; None leaves it alone. Documents that are to be about the same person, whenever they are made, are given
    the same `person_at` (zoned): a time at which the person is as old as on the golden days.
    """
    root = parse(octets)
    (created,) = select(root, f"{_HEADER}/CreatedAt")
    made_on = local_day(datetime.fromisoformat(created.text or ""))
    moved = local_day(at.astimezone(UTC)) - made_on
    born = moved if person_at is None else local_day(person_at.astimezone(UTC)) - _GOLDEN_DAY
    _move_days(root, moved, born)
    changes: list[SetText | Remove | Insert] = [
        SetText(f"{_HEADER}/DocumentId", str(document_id or Uuid4.new())),
        SetText(f"{_HEADER}/ConversationId", str(conversation_id or Uuid4.new())),
        SetText(f"{_HEADER}/CreatedAt", utc_time(at)),
        SetText(f"{_HEADER}/SealedBy", sealed_by.value),
        SetText(f"{_HEADER}/Nonce", base64.b64encode(secrets.token_bytes(32)).decode("ascii")),
    ]
    if attachments is not None:
        if select(root, "/Document/Attachments"):
            changes.append(Remove("/Document/Attachments"))
        if attachments:
            changes.append(Insert("last", "/Document", manifest(attachments)))
    return with_changes(etree.tostring(root), *changes)


def manifest(attachments: Sequence[Attached]) -> str:
    """The Attachments element that lists these files, numbered from 1."""
    entries = "".join(
        f"<Attachment><Number>{number}</Number><FileName>{escape(each.file_name)}</FileName>"
        f"<MediaType>{each.media_type}</MediaType><Size>{len(each.octets)}</Size>"
        f"<Sha256>{base64.b64encode(hashlib.sha256(each.octets).digest()).decode('ascii')}</Sha256>"
        f"<Title>{escape(each.title)}</Title><Category>{each.category}</Category></Attachment>"
        for number, each in enumerate(attachments, start=1)
    )
    return f'<Attachments xmlns="{DOCUMENT}">{entries}</Attachments>'


def utc_time(at: datetime) -> str:
    """A zoned time as documents write it: UTC, with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _move_days(root: etree._Element, moved: timedelta, born: timedelta) -> None:
    """Move every day, the day of birth by a span of its own."""
    births = select(root, f"{_HEADER}/Subject/BirthDate")
    for element in root.iter("*"):
        if not len(element) and _DAY.fullmatch(element.text or ""):
            span = born if element in births else moved
            element.text = (date.fromisoformat(element.text or "") + span).isoformat()
    for birth in births:
        (number,) = select(root, f"{_HEADER}/Subject/CprNumber")
        number.text = _fictional(date.fromisoformat(birth.text or ""), (number.text or "")[6:])


def _fictional(birth: date, last_four: str) -> str:
    """A replacement number of this day of birth, as no CPR number can be."""
    return f"{birth.day + _RAISED:02}{birth:%m%y}{last_four}"
