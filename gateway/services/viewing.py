"""Viewing: a document for a person to read, from a file or from the store, with the judgement on its signature.

A file is judged by its schema and its signature; the business rules are not asked. From the store, the content is
decrypted for a party that the document belongs to, and the look is an entry in that party's log before it is shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from gateway.crypto import xades
from gateway.crypto.certificates import Certificate, TrustStore
from gateway.crypto.revocation import Revocations
from gateway.domain.catalogue import Code
from gateway.domain.document import Document
from gateway.domain.errors import InputError, TrustError, UnavailableError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.protocol.documents import read_document, require_no_xsi
from gateway.services import log_entries
from gateway.services.content import read_kept
from gateway.services.installation import Installation
from gateway.services.timeline import seen_by, shown_state, status_of
from gateway.storage import deliveries, documents, validation_material, withdrawals
from gateway.storage.documents import DocumentRow
from gateway.views import notices
from gateway.views.signature import Seal, SignatureVerdict
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import document_schema

_NO_TRUST = "Angiv installationens indstillinger (--settings) for at få den kontrolleret."
_OTHER_CVR = "Certifikatets CVR-nummer er ikke afsenderens."


@dataclass(frozen=True)
class Viewed:
    """A document that obeys its schema, and how its signature stands. Where it holds, only what was signed."""

    document: Document
    verdict: SignatureVerdict
    since: tuple[str, ...] = ()  # what became of it later, as notices in Danish; of a file nothing is known

    @property
    def notices(self) -> tuple[str, ...]:
        """What its reader must know before the first line, in Danish; the gravest first."""
        signature = (self.verdict.danish,)
        match self.verdict.seal:
            case Seal.BROKEN:
                return (*signature, *self.since)
            case Seal.ABSENT:
                return (*self.since, *signature)
            case Seal.HOLDS | Seal.UNJUDGED:
                return self.since


@dataclass(frozen=True)
class _Ground:
    """By what a signature is judged: whom to trust, which lists, for which time."""

    store: TrustStore
    revocations: Revocations
    at: datetime
    is_kept: bool


def view_file(octets: bytes, installation: Installation | None) -> Viewed:
    """Return the document in these untrusted octets.

    With an installation its signature is judged: by the certificates and lists kept with the document, if it is one
    that was accepted here; else by the lists at hand, for the time the signer states. Raises InputError SCHEMA_INVALID
    or one of the XML codes.
    """
    root = parse(octets)
    document_schema().require(root)
    require_no_xsi(root)
    document = read_document(root)
    try:
        at = xades.claimed_signing_time(octets)
    except TrustError as error:
        return Viewed(document, SignatureVerdict(Seal.BROKEN, reason=error.danish))
    if at is None:
        return Viewed(document, SignatureVerdict(Seal.ABSENT))
    if installation is None:
        return Viewed(document, SignatureVerdict(Seal.UNJUDGED, reason=_NO_TRUST))
    ground = _kept_ground_of_file(installation, document, octets) or _ground_at_hand(installation, at)
    return _judged(octets, document, ground)


def view_stored(installation: Installation, party: PartyId, document_id: Uuid4, operator: str) -> Viewed:
    """Return a document that the party sent or was delivered; the look is in the party's log first.

    `operator` names who looks; the log holds a commitment to it. For the recipient, to look is to fetch: a copy may be
    kept. What was withdrawn is shown to its sender alone, and only while it is held here. Raises InputError NOT_FOUND
    if the party has no such document, STATE_CONFLICT if it was withdrawn, InternalError STORED_DATA_ALTERED.
    """
    at = installation.clock()
    with installation.database.read() as connection:
        row = documents.find_visible(connection, party, document_id)
        if row is None:
            raise InputError(Code.NOT_FOUND)
        _require_showable(connection, row, party)
        kept = read_kept(installation, connection, row, party, attachments=False)
    entry = log_entries.inspection_entry(installation, party, row, operator, at)
    with installation.database.transaction(party) as connection:
        _require_showable(connection, row, party)  # nothing is shown after it was taken back
        since = tuple(_since(connection, row, party))
        if party == row.recipient:
            deliveries.mark_fetched(connection, party, row.key, at)
        log_entries.append(connection, entry)
    viewed = _judged(kept.octets, read_document(parse(kept.octets)), _kept_ground(installation, row))
    return replace(viewed, since=since)


def _require_showable(connection: Connection, row: DocumentRow, party: PartyId) -> None:
    """Refuse what was withdrawn to all but its sender, for whom it may still be held."""
    status = status_of(connection, row.key, party)
    if status.is_withdrawn and party != row.sender:
        raise InputError(Code.STATE_CONFLICT, state=shown_state(status).value)


def _since(connection: Connection, row: DocumentRow, party: PartyId) -> Iterator[str]:
    """What became of a document after it was sent, as the party knows."""
    withdrawal = withdrawals.find_withdrawal(connection, row.key)
    if withdrawal is not None:
        yield notices.withdrawn(withdrawal.at, withdrawal.reason)
    _, corrected_by = seen_by(connection, row.key, party)
    if corrected_by is not None:
        yield notices.corrected(corrected_by)


def _judged(octets: bytes, document: Document, ground: _Ground) -> Viewed:
    """The verdict on the signature; where it holds, the document is read from what was signed."""
    try:
        verified = xades.verify(octets, ground.store, ground.revocations, ground.at)
    except TrustError as error:
        return Viewed(document, SignatureVerdict(Seal.BROKEN, ground.at, reason=error.danish))
    except UnavailableError as error:
        return Viewed(document, SignatureVerdict(Seal.UNJUDGED, ground.at, reason=error.danish))
    identity = verified.certificate.identity
    verdict = SignatureVerdict(Seal.HOLDS, ground.at, identity.organisation, identity.cvr, ground.is_kept)
    signed = read_document(verified.root)
    if identity.cvr != signed.sender.id.cvr:
        verdict = replace(verdict, seal=Seal.BROKEN, reason=_OTHER_CVR)
    return Viewed(signed, verdict)


def _ground_at_hand(installation: Installation, at: datetime) -> _Ground:
    trust = installation.trust.current(installation.clock())
    return _Ground(trust.store, trust.revocations.for_looking_back(), at, is_kept=False)


def _kept_ground_of_file(installation: Installation, document: Document, octets: bytes) -> _Ground | None:
    """What was kept with the document, if these are the very octets that were accepted here."""
    with installation.database.read() as connection:
        row = documents.find_own(connection, document.sender.id, document.document_id)
    if row is None or row.sealed_digest != hashlib.sha256(octets).digest():
        return None
    return _kept_ground(installation, row)


def _kept_ground(installation: Installation, row: DocumentRow) -> _Ground:
    """The certificates and lists of the time of acceptance. The roots are those that are believed today.

    A list counts only where its issuer stands on the path that leads to such a root.
    """
    with installation.database.read() as connection:
        chain = validation_material.kept(connection, row.certificate_names)
        lists = validation_material.kept(connection, row.revocation_names)
    issuers = tuple(map(Certificate.from_der, chain[1:]))
    store = installation.trust.current(installation.clock()).store
    known = (*store.roots, *store.intermediates)
    more = tuple(each for each in issuers if each not in known)
    return _Ground(
        replace(store, intermediates=(*store.intermediates, *more)),
        Revocations.build(lists, issuers),
        row.accepted_at,
        is_kept=True,
    )
