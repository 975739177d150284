"""The letter, the notice and the answer of the story: the worked examples, made fresh as if written today."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from lxml import etree

from demo.letter_pdf import make_pdf

NAMESPACE: Final = "urn:dk:bropost:document:1"
GOLDEN: Final = Path(__file__).parent.parent / "tests" / "golden" / "documents"
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def pdf_attachment() -> bytes:
    """Return the file that goes with the letter."""
    return make_pdf(
        "Mentoraftale",
        [
            "Eksempelby Kommune og Prøveby Erhvervsskole",
            "",
            "Mentor: Jonas Prøve, telefon +4500000002",
            "Tid: mandag og torsdag kl. 7.30 ved skolens hovedindgang",
            "Omfang: 3 timer om ugen i hele grundforløbet",
            "Mål: stabilt fremmøde",
            "",
            "Ring, før timerne udløber. De kan forlænges.",
        ],
    )


def fresh_letter(attachment: bytes) -> etree._Element:
    """Return the letter on an education order, new, with this PDF; the gateway shall seal it."""
    letter = _fresh("education-order-letter.xml", str(uuid.uuid4()), "GATEWAY")
    attachments = etree.SubElement(letter, _name("Attachments"))
    entry = etree.SubElement(attachments, _name("Attachment"))
    for name, text in (
        ("Number", "1"),
        ("FileName", "mentoraftale.pdf"),
        ("MediaType", "application/pdf"),
        ("Size", str(len(attachment))),
        ("Sha256", base64.b64encode(hashlib.sha256(attachment).digest()).decode()),
        ("Title", "Mentoraftale"),
        ("Category", "support"),
    ):
        etree.SubElement(entry, _name(name)).text = text
    return letter


def fresh_notice(conversation_id: str) -> etree._Element:
    """Return the notice of a dropout risk in the letter's conversation, new; the school's system will seal it."""
    notice = _fresh("dropout-risk-notice.xml", conversation_id, "SYSTEM")
    for text in notice.iter(_name("Text")):
        text.text = (text.text or "").replace(" inden 8. oktober", "")  # its own field says by when
    return notice


def fresh_answer(conversation_id: str, answered_id: str) -> etree._Element:
    """Return the answer to the notice of this id, new; the gateway shall seal it."""
    answer = _fresh("answer-notice.xml", conversation_id, "GATEWAY")
    set_text(answer, "Header/ReplyTo", answered_id)
    return answer


def fresh_school_answer(conversation_id: str, answered_id: str) -> etree._Element:
    """Return the school's answer to the letter of this id, new; the gateway shall seal it."""
    answer = _fresh("answer-notice-institution.xml", conversation_id, "GATEWAY")
    set_text(answer, "Header/ReplyTo", answered_id)
    return answer


def renamed(document: etree._Element) -> etree._Element:
    """Return a copy under an identifier of its own: another document with the same content."""
    copy = etree.fromstring(etree.tostring(document))
    set_text(copy, "Header/DocumentId", str(uuid.uuid4()))
    return copy


def text_of(document: etree._Element, path: str) -> str:
    """Return the text of the first element at a path. ValueError if there is none."""
    return _find(document, path).text or ""


def set_text(document: etree._Element, path: str, text: str) -> None:
    """Give the first element at a path another text."""
    _find(document, path).text = text


def remove(document: etree._Element, path: str) -> None:
    """Take the first element at a path away."""
    element = _find(document, path)
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def content_digest(document: etree._Element) -> bytes:
    """Return SHA-256 over exclusive C14N of a document without its signature: what names the content for both ends."""
    copy = etree.fromstring(etree.tostring(document))
    for signature in copy.findall("{http://www.w3.org/2000/09/xmldsig#}Signature"):
        copy.remove(signature)
    return hashlib.sha256(etree.tostring(copy, method="c14n", exclusive=True)).digest()


def _fresh(name: str, conversation_id: str, sealed_by: str) -> etree._Element:
    """A worked example with new identifiers, made now, and every day of its story moved along."""
    document = etree.parse(GOLDEN / name, etree.XMLParser(remove_blank_text=True)).getroot()
    now = datetime.now(UTC).replace(microsecond=0)
    written = datetime.fromisoformat(text_of(document, "Header/CreatedAt"))
    _move_days(document, timedelta(days=(now.date() - written.date()).days))
    _keep_age(document, now.year - written.year)
    for path, text in (
        ("DocumentId", str(uuid.uuid4())),
        ("ConversationId", conversation_id),
        ("CreatedAt", f"{now:%Y-%m-%dT%H:%M:%SZ}"),
        ("SealedBy", sealed_by),
        ("Nonce", base64.b64encode(secrets.token_bytes(32)).decode()),
    ):
        set_text(document, f"Header/{path}", text)
    return document


def _move_days(document: etree._Element, span: timedelta) -> None:
    for element in document.iter("*"):
        text = element.text or ""
        if _DAY.fullmatch(text) and etree.QName(element).localname != "BirthDate":
            element.text = (date.fromisoformat(text) + span).isoformat()


def _keep_age(document: etree._Element, years: int) -> None:
    """Move the year of birth, and with it the number that holds the birthday."""
    born = date.fromisoformat(text_of(document, "Header/Subject/BirthDate"))
    born = born.replace(year=born.year + years)
    number = text_of(document, "Header/Subject/CprNumber")
    set_text(document, "Header/Subject/BirthDate", born.isoformat())
    set_text(document, "Header/Subject/CprNumber", f"{number[:4]}{born:%y}{number[6:]}")


def _find(document: etree._Element, path: str) -> etree._Element:
    found = document.find("/".join(_name(step) for step in path.split("/")))
    if found is None:
        raise ValueError(f"the document has no {path}")
    return found


def _name(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
