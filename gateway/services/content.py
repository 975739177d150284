"""Content: what a system submitted, sealed for keeping, and read again from the store.

A typed document is sealed by the gateway with the party's key; a signed one is verified and kept octet for octet.
Either way what is stored is sealed, and what certificates and revocation lists said of the signer is kept with it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree
from sqlalchemy import Connection

from gateway.crypto import xades
from gateway.crypto.certificates import Usage, keep_verdict, verify_certificate
from gateway.domain.catalogue import Code
from gateway.domain.document import Document, SealedBy
from gateway.domain.errors import InputError, InternalError, TrustError
from gateway.domain.identifiers import Cvr, PartyId
from gateway.domain.operations import AttachmentContent
from gateway.domain.party import Party
from gateway.domain.status import State
from gateway.protocol.documents import read_document, require_no_xsi
from gateway.protocol.service_requests import SendRequest, UnsealedDocument
from gateway.services.installation import Installation
from gateway.storage import withdrawals
from gateway.storage.documents import DocumentRow, parts_of, wrapped_key_of
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import document_schema

_COMMENTS: Final = etree.XPath("//comment()")  # also beside the root element


@dataclass(frozen=True)
class Submitted:
    """A schema-valid document as it was submitted; `signed` where the system made the content signature."""

    document: Document
    unsealed: etree._Element | None
    signed: xades.VerifiedContent | None

    @property
    def signer(self) -> Cvr | None:
        """The CVR number of the certificate that signed it, or None where the gateway will seal it."""
        return self.signed.certificate.identity.cvr if self.signed else None

    def digest(self) -> bytes:
        """SHA-256 over exclusive C14N of the document without its signature: the same for the same document."""
        if self.signed is not None:
            return self.signed.digest
        assert self.unsealed is not None
        return xades.content_digest(self.unsealed)


@dataclass(frozen=True)
class SealedContent:
    """The sealed octets and what is needed to judge their signature years later."""

    octets: bytes
    digest: bytes  # SHA-256 over exclusive C14N of the document without its signature
    certificates: tuple[bytes, ...]  # DER, of the signer's chain, leaf first
    revocation_lists: tuple[bytes, ...]  # DER, of each issuer in the chain


def read_submitted(installation: Installation, request: SendRequest, at: datetime) -> Submitted:
    """Return what was submitted, its content signature verified if the system made one.

    Raises InputError SCHEMA_INVALID, DOCUMENT_SEALED_BY or one of the XML codes, and TrustError for a content
    signature or certificate that does not hold.
    """
    content = request.content
    if isinstance(content, UnsealedDocument):
        document = read_document(content.element)
        _require_sealed_by(document, SealedBy.GATEWAY)
        return Submitted(document, content.element, None)
    if b"<!--" in content:
        _require_no_comment(content)
    trust = installation.trust.current(at)
    verified = xades.verify(content, trust.store, trust.revocations, at)
    document_schema().require(verified.root)
    require_no_xsi(verified.root)
    document = read_document(verified.root)
    _require_sealed_by(document, SealedBy.SYSTEM)
    return Submitted(document, None, verified)


def _require_no_comment(octets: bytes) -> None:
    """Refuse a comment, for no signature covers what it says. In a CDATA section, what looks like one is text."""
    comment = next(iter(_COMMENTS(parse(octets).getroottree())), None)
    if comment is not None:
        raise InputError(Code.XML_FORBIDDEN, what="a comment", line=comment.sourceline or 0)


def _require_sealed_by(document: Document, expected: SealedBy) -> None:
    if document.sealed_by is not expected:
        raise InputError(Code.DOCUMENT_SEALED_BY, expected=expected.value)


def seal_content(
    installation: Installation, party: Party, submitted: Submitted, at: datetime
) -> SealedContent:
    """Return the sealed content: as the system signed it, or sealed here with the party's key.

    Raises InputError SEAL_NOT_ALLOWED if the party does not let the gateway seal, and TrustError SEAL_UNUSABLE if its
    certificate has expired or was revoked.
    """
    trust = installation.trust.current(at)
    if submitted.signed is not None:
        sealed: xades.Sealed | xades.VerifiedContent = submitted.signed
        certificate = submitted.signed.certificate
    else:
        key = installation.keys.seal_key(party.id, at) if party.gateway_may_seal else None
        if key is None or submitted.unsealed is None:
            raise InputError(Code.SEAL_NOT_ALLOWED)
        try:
            certificate = verify_certificate(key.chain, Usage.CONTENT, trust.store, trust.revocations, at)
        except TrustError as error:
            # Ours to mend, not the sender's: so it is told, unlike what is wrong with a system's certificate.
            raise TrustError(Code.SEAL_UNUSABLE, what=error.code.name) from error
        sealed = xades.seal(submitted.unsealed, key, at)
        keep_verdict(certificate)
    issuers = certificate.chain[1:]
    return SealedContent(
        octets=sealed.octets,
        digest=sealed.digest,
        certificates=tuple(each.der for each in certificate.chain),
        revocation_lists=tuple(trust.revocations.evidence(issuer, at) for issuer in issuers),
    )


@dataclass(frozen=True)
class Kept:
    """A document as it is kept: the exact sealed octets and the attachments, decrypted."""

    octets: bytes
    attachments: tuple[AttachmentContent, ...]


def read_kept(
    installation: Installation, connection: Connection, row: DocumentRow, party: PartyId, *, attachments: bool
) -> Kept:
    """Return the content of a document for a party that holds it, checked against the digest it was accepted with.

    Raises InputError STATE_CONFLICT if its content went with its withdrawal, and InternalError STORED_DATA_ALTERED if
    what is stored is not what was accepted.
    """
    name = row.document_id.text.encode()
    wrapped = wrapped_key_of(connection, row.key, party)
    if wrapped is None:
        if withdrawals.find_withdrawal(connection, row.key) is not None:
            raise InputError(Code.STATE_CONFLICT, state=State.WITHDRAWN.value)
        raise InternalError(Code.STORED_DATA_ALTERED)
    key = installation.keys.key_encryption_key(party).unwrap(wrapped, name)
    try:
        octets = key.decrypt(installation.blobs.get(connection, row.sealed_blob), name)
        _require_digest(octets, row.sealed_digest)
        contents = []
        for part in parts_of(connection, row.key) if attachments else ():
            content = key.decrypt(installation.blobs.get(connection, part.blob), name)
            _require_digest(content, part.sha256)
            contents.append(AttachmentContent(part.number, content))
    except InternalError as error:
        if _was_removed_meanwhile(installation, row):
            raise InputError(Code.STATE_CONFLICT, state=State.WITHDRAWN.value) from error
        raise
    return Kept(octets, tuple(contents))


def _was_removed_meanwhile(installation: Installation, row: DocumentRow) -> bool:
    """Whether the content went with a withdrawal since the reading began.

    A reading sees the rows as they were; files go for everybody at once.
    """
    with installation.database.read() as connection:
        withdrawal = withdrawals.find_withdrawal(connection, row.key)
    return withdrawal is not None and withdrawal.content_removed


def document_of(kept: Kept) -> Document:
    """Return the document value of kept octets; they were verified when they came."""
    return read_document(parse(kept.octets))


def _require_digest(octets: bytes, digest: bytes) -> None:
    if not hmac.compare_digest(hashlib.sha256(octets).digest(), digest):
        raise InternalError(Code.STORED_DATA_ALTERED)
