"""Evidence as XML: a statement of the domain written as the element that is sealed, and its signed octets.

The element follows `xsd/evidence/evidence.xsd`. It holds no personal data: a document is named by its identifiers
and digests, a person never.
"""

from __future__ import annotations

import base64
from datetime import datetime

from lxml import etree

from gateway.crypto import xades
from gateway.crypto.keys import SigningKey
from gateway.domain.evidence import AssertedBy, EventReason, EvidenceStatement, Issuer
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.xmlcore import namespaces as ns

VERSION = "1.0"


def seal_evidence(statement: EvidenceStatement, key: SigningKey) -> bytes:
    """Return the octets of the evidence, signed XAdES baseline B by the gateway's seal at the time it states."""
    return xades.sign(evidence_element(statement), key, statement.time)


def evidence_element(statement: EvidenceStatement) -> etree._Element:
    """Return the statement as an unsigned Evidence element."""
    root = etree.Element(ns.tag(ns.EVIDENCE, "Evidence"), nsmap={None: ns.EVIDENCE})
    _add(root, "Version", VERSION)
    _add(root, "EvidenceIdentifier", statement.identifier.text)
    _add(root, "Event", statement.event.value)
    _add(root, "EventTime", _time(statement.time))
    _add(root, "IssuedOnAbsence", "true" if statement.issued_on_absence else "false")
    _issuer(root, statement.issuer)
    _party(root, "Sender", statement.sender)
    _party(root, "Recipient", statement.recipient)
    _identifier(root, "DocumentId", statement.document_id)
    _identifier(root, "ConversationId", statement.conversation_id)
    _digest(root, "ContentDigest", statement.content_digest)
    _digest(root, "SealedDigest", statement.sealed_digest)
    if statement.submission_time is not None:
        _add(root, "SubmissionTime", _time(statement.submission_time))
    _reasons(root, statement.reasons)
    _asserted_by(root, statement.asserted_by)
    for digest in statement.based_on:
        _digest(root, "BasedOn", digest)
    _digest(root, "RequestDigest", statement.request_digest)
    _identifier(root, "PreviousEvidence", statement.previous)
    _add(root, "LogEntryId", statement.log_entry_id.text)
    _add(root, "LogOrigin", statement.log_origin)
    return root


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, ns.tag(ns.EVIDENCE, name))
    element.text = text
    return element


def _optional(parent: etree._Element, name: str, text: str | None) -> None:
    if text is not None:
        _add(parent, name, text)


def _identifier(parent: etree._Element, name: str, identifier: Uuid4 | None) -> None:
    _optional(parent, name, None if identifier is None else identifier.text)


def _digest(parent: etree._Element, name: str, digest: bytes | None) -> None:
    if digest is not None:
        _add(parent, name, base64.b64encode(digest).decode("ascii"))


def _time(at: datetime) -> str:
    """xs:dateTime in UTC with milliseconds, as the type UtcTime demands."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _issuer(root: etree._Element, issuer: Issuer) -> None:
    element = _add(root, "EvidenceIssuer")
    _add(element, "Cvr", issuer.cvr.text)
    _add(element, "Name", issuer.name)
    _digest(element, "CertificateDigest", bytes.fromhex(issuer.certificate_fingerprint))


def _party(root: etree._Element, name: str, party: PartyId | None) -> None:
    if party is None:
        return
    element = _add(root, name)
    _add(element, "Cvr", party.cvr.text)
    _add(element, "MunicipalityCode" if party.is_municipality else "InstitutionNumber", party.unit)


def _reasons(root: etree._Element, reasons: tuple[EventReason, ...]) -> None:
    if not reasons:
        return
    parent = _add(root, "Reasons")
    for reason in reasons:
        element = _add(parent, "Reason")
        _add(element, "Code", reason.code.name)
        _optional(element, "Detail", reason.detail)
        _add(element, "Danish", reason.code.words.danish)
        _add(element, "English", reason.code.words.english)


def _asserted_by(root: etree._Element, system: AssertedBy | None) -> None:
    if system is None:
        return
    element = _add(root, "AssertedBySystem")
    _add(element, "SystemId", system.system_id.text)
    _digest(element, "CertificateDigest", bytes.fromhex(system.certificate_fingerprint))
    _optional(element, "Role", system.role)
    if system.at is not None:
        _add(element, "At", _time(system.at))
