"""What every workflow is given: the parts of the running installation, put together once in `gateway.app`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.crypto.keys import CheckpointKey
from gateway.domain.deadlines import TransportWaits
from gateway.domain.disclosure import LogOrigin
from gateway.domain.evidence import Issuer
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.operations import Environment
from gateway.domain.quota import USUAL, Quota
from gateway.services.knowledge import Knowledge
from gateway.services.own_keys import OwnKey
from gateway.services.request_rate import RequestRate
from gateway.storage.blobs import Blobs
from gateway.storage.database import Database
from gateway.storage.key_store import KeyStore
from gateway.transport.antivirus import Clamd
from gateway.transport.revocation_fetch import RevocationFetch
from gateway.transport.trust_files import TrustFiles


@dataclass(frozen=True)
class Installation:
    """The parts that workflows work with. `clock` gives the time, zoned UTC; nothing else reads a clock."""

    id: Uuid4
    environment: Environment
    clock: Callable[[], datetime]
    database: Database
    blobs: Blobs
    keys: KeyStore  # the parties' keys
    seal_key: OwnKey  # the gateway's: signs evidence
    message_key: OwnKey  # the gateway's: signs answers
    checkpoint_key: CheckpointKey = field(repr=False)
    issuer: Issuer  # as whom the gateway seals
    trust: TrustFiles
    knowledge: Knowledge
    waits: TransportWaits
    attachments_bytes: int  # all attachments of one document together
    quota: Quota = USUAL  # what one system may do, unless another is set for it
    request_rate: RequestRate = field(default_factory=RequestRate)
    antivirus: Clamd | None = None
    aside: Callable[[], AbstractContextManager[None]] = (
        nullcontext  # lets others compute while a thread waits
    )
    revocation_fetch: RevocationFetch | None = None

    def issuer_at(self, at: datetime) -> Issuer:
        """As whom the gateway seals at this time: its seal may have been replaced since the start."""
        return replace(self.issuer, certificate_fingerprint=self.seal_key.fingerprint(at))

    def origin(self, party: PartyId) -> LogOrigin:
        """The name of a party's log here."""
        return LogOrigin(self.id, party)
