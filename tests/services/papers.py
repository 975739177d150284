"""What the systems of these tests send: golden documents made current, and the requests that carry them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from gateway.crypto import xades
from gateway.crypto.certificates import Usage
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.protocol.mime import NewPart
from gateway.storage.tables import METADATA
from gateway.xmlcore.namespaces import DOCUMENT, EVIDENCE, SERVICE, XOP, tag
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import evidence_schema
from tests.golden.changes import Change, Insert, SetText, with_changes
from tests.golden.loader import golden
from tests.installation import INSTITUTION, MUNICIPALITY, Answered, Caller, TestInstallation
from tests.pki import signing_key

LETTER: Final = "education-order-letter"
SEALS: Final = {MUNICIPALITY: "eksempelby-kommune", INSTITUTION: "proeveby-erhvervsskole"}
CPR: Final = "7403055092"
PERSONAL: Final = (
    CPR,
    "740305-5092",
    "Alma",
    "Prøvesen",
    "Jonas",
    "formiddage",
    "larm",
    "dicte",
    "+4500000002",
)
"""What stands in the golden letter and nowhere else: none of it may be found where it is not encrypted."""


def paper(
    at: datetime, *changes: Change, name: str = LETTER, document_id: str | None = None
) -> etree._Element:
    """A golden document, made now with ids of its own, for the gateway to seal; with these changes."""
    current = (
        SetText("/Document/Header/DocumentId", document_id or Uuid4.new().text),
        SetText("/Document/Header/ConversationId", Uuid4.new().text),
        SetText("/Document/Header/CreatedAt", at.strftime("%Y-%m-%dT%H:%M:%SZ")),
        SetText("/Document/Header/SealedBy", "GATEWAY"),
    )
    return parse(with_changes(golden(name), *current, *changes))


SEALED_BY_SYSTEM: Final = SetText("/Document/Header/SealedBy", "SYSTEM")


def notice(at: datetime, *changes: Change, document_id: str | None = None) -> etree._Element:
    """The golden notice of a school, which answers no letter."""
    root = paper(at, name="dropout-risk-notice-minimum", document_id=document_id)
    return parse(with_changes(etree.tostring(root), *changes)) if changes else root


def between(sender: PartyId, recipient: PartyId) -> tuple[Change, ...]:
    """The changes that let other parties of the same sorts write to each other."""
    changes: list[Change] = []
    for end, party in (("Sender", sender), ("Recipient", recipient)):
        unit = "MunicipalityCode" if party.is_municipality else "InstitutionNumber"
        changes.append(SetText(f"/Document/Header/{end}/Party/Cvr", party.cvr.text))
        changes.append(SetText(f"/Document/Header/{end}/Party/{unit}", party.unit))
    return tuple(changes)


def listing(*files: tuple[str, str, bytes]) -> Change:
    """The change that lists these attachments: name, media type, content."""
    entries = "".join(
        f"<Attachment><Number>{number}</Number><FileName>{name}</FileName><MediaType>{media_type}</MediaType>"
        f"<Size>{len(content)}</Size><Sha256>{b64(hashlib.sha256(content).digest())}</Sha256>"
        "<Title>Skema</Title><Category>education</Category></Attachment>"
        for number, (name, media_type, content) in enumerate(files, start=1)
    )
    return Insert("last", "/Document", f"<Attachments>{entries}</Attachments>")


def text_of(document: etree._Element, path: str) -> str:
    """The text at a path below a document's header."""
    found = document.findtext("/".join(tag(DOCUMENT, step) for step in ("Header", *path.split("/"))))
    assert found is not None
    return found


def id_of(document: etree._Element) -> str:
    """The id of a document."""
    return text_of(document, "DocumentId")


def sealed(document: etree._Element, key: str, at: datetime) -> bytes:
    """The octets of the document, signed by the system with this key."""
    return xades.sign(document, signing_key(key), at)


def request(operation: str, party: PartyId | None, **texts: str) -> etree._Element:
    """A request of plain texts, in the order of the schema."""
    root = etree.Element(tag(SERVICE, operation), nsmap={None: SERVICE})
    if party is not None:
        add_party(root, "OnBehalfOf", party)
    for name, text in texts.items():
        etree.SubElement(root, tag(SERVICE, name)).text = text
    return root


def add_party(parent: etree._Element, name: str, party: PartyId) -> None:
    """Name a party below an element."""
    element = etree.SubElement(parent, tag(SERVICE, name))
    etree.SubElement(element, tag(SERVICE, "Cvr")).text = party.cvr.text
    unit = "MunicipalityCode" if party.is_municipality else "InstitutionNumber"
    etree.SubElement(element, tag(SERVICE, unit)).text = party.unit


def sending(
    document: etree._Element | bytes,
    *,
    by: PartyId = MUNICIPALITY,
    operation: str | None = None,
    attachments: Sequence[bytes] = (),
    overrides: Mapping[str, str] | None = None,
) -> etree._Element:
    """The request that sends a typed document, or the octets that the system signed, attachments inline."""
    root = request(operation or ("SendLetter" if by.is_municipality else "SendNotice"), by)
    if isinstance(document, bytes):
        etree.SubElement(root, tag(SERVICE, "SignedDocument")).text = b64(document)
    else:
        root.append(parse(etree.tostring(document)))
    for number, content in enumerate(attachments, start=1):
        etree.SubElement(attachment(root, number), tag(SERVICE, "Content")).text = b64(content)
    for rule, reason in (overrides or {}).items():
        override = etree.SubElement(root, tag(SERVICE, "Override"))
        etree.SubElement(override, tag(SERVICE, "Rule")).text = rule
        etree.SubElement(override, tag(SERVICE, "Reason")).text = reason
    return root


def attachment(root: etree._Element, number: int) -> etree._Element:
    """An attachment element of a request, without content yet."""
    element = etree.SubElement(root, tag(SERVICE, "Attachment"))
    etree.SubElement(element, tag(SERVICE, "Number")).text = str(number)
    return element


def name_part(element: etree._Element, part: NewPart, *, mtom: bool) -> None:
    """Let an attachment element of a request name a part beside the envelope."""
    if not mtom:
        etree.SubElement(element, tag(SERVICE, "ContentId")).text = part.content_id
        return
    content = etree.SubElement(element, tag(SERVICE, "Content"))
    etree.SubElement(content, tag(XOP, "Include"), {"href": f"cid:{part.content_id}"}, nsmap={"xop": XOP})


def accepted(caller: Caller, body: etree._Element) -> Answered:
    """The answer to a request that must succeed."""
    answer = caller.call(body)
    assert answer.fault_code is None, [each.text for each in answer.payload.iter(tag(SERVICE, "English"))]
    assert (answer.http.status, answer.is_signed) == (200, True)
    return answer


def send_letter(house: TestInstallation, *changes: Change) -> str:
    """Send a fresh letter, which is accepted; its id."""
    document = paper(house.clock(), *changes)
    accepted(house.esdh, sending(document))
    return id_of(document)


def deliver_letter(house: TestInstallation, *changes: Change) -> str:
    """Send a fresh letter and let it be delivered; its id."""
    document_id = send_letter(house, *changes)
    house.work()
    return document_id


def retrieve(house: TestInstallation, document_id: str) -> bytes:
    """The exact octets that the school is given."""
    answer = accepted(house.sis, request("Retrieve", INSTITUTION, DocumentId=document_id))
    return base64.b64decode(answer.text("ExactOctets"))


def inbox(caller: Caller, **texts: str) -> list[str]:
    """The ids in one page of the school's inbox."""
    return accepted(caller, request("ListInbox", INSTITUTION, **texts)).texts("Item/DocumentId")


def confirm(caller: Caller, document_id: str, octets: bytes, party: PartyId = INSTITUTION) -> Answered:
    """Confirm that the system stored these octets."""
    digest = b64(hashlib.sha256(octets).digest())
    return caller.call(request("ConfirmHandover", party, DocumentId=document_id, ContentDigest=digest))


def read(
    caller: Caller,
    document_id: str,
    at: datetime,
    party: PartyId = INSTITUTION,
    role: str = "STUDY_COUNSELLOR",
    **more: str,
) -> Answered:
    """Register that a person of this role opened the document."""
    texts = {"DocumentId": document_id, "ReaderRole": role, **more, "ReadAt": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    return caller.call(request("RegisterRead", party, **texts))


def b64(octets: bytes) -> str:
    """Octets as they stand in XML."""
    return base64.b64encode(octets).decode("ascii")


@dataclass(frozen=True)
class Evidence:
    """Evidence whose seal and schema held."""

    root: etree._Element

    def __getitem__(self, path: str) -> str:
        found = self.root.findtext("/".join(tag(EVIDENCE, step) for step in path.split("/")))
        assert found is not None, f"the evidence has no {path}"
        return found

    def octets(self, path: str) -> bytes:
        """A digest in it."""
        return base64.b64decode(self[path])

    def has(self, name: str) -> bool:
        """Whether it says this at all."""
        return self.root.find(tag(EVIDENCE, name)) is not None


def evidence(house: TestInstallation, octets: bytes | str) -> Evidence:
    """Evidence as octets or as base64 of an answer, once the gateway's seal and the schema have been checked."""
    exact = base64.b64decode(octets) if isinstance(octets, str) else octets
    revocations = house.pki.revocations().for_reading()
    verified = xades.verify(exact, house.pki.trust_store(), revocations, house.clock(), usage=Usage.SEAL)
    assert verified.certificate.certificate == house.pki.certificate("gateway-seal")
    evidence_schema().require(verified.root)
    return Evidence(verified.root)


def fault_evidence(house: TestInstallation, answer: Answered) -> Evidence:
    """The SubmissionRejection in a fault."""
    found = answer.payload.findtext(f".//{tag(SERVICE, 'SubmissionRejection')}")
    assert found is not None
    return evidence(house, found)


def row_counts(house: TestInstallation) -> dict[str, int]:
    """How many rows each table has."""
    with house.installation.database.read() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
            for name in METADATA.tables
        }


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """By how many rows tables differ; those that do not are left out."""
    return {name: after[name] - count for name, count in before.items() if after[name] != count}
