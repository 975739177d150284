"""Logs, entries and bundles for the tests: made anew in each run, about nobody."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from gateway.crypto.keys import CheckpointKey
from gateway.domain.disclosure import (
    Activity,
    Actor,
    Basis,
    Commitment,
    CommittedField,
    End,
    EntryKind,
    Leaf,
    LogOrigin,
    SchemaVersion,
    SubjectKind,
    Visibility,
)
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.translog.bundle import Manifest, write_bundle
from gateway.translog.checkpoint import Checkpoint, LogKey, sign_checkpoint
from gateway.translog.commitment import Committer, Opening, compose_opening
from gateway.translog.leaf import compose
from gateway.translog.merkle import Frontier, leaf_hash

MUNICIPALITY = PartyId.parse("11111111-0999")
SCHOOL = PartyId.parse("22222222-999001")
ORIGIN = LogOrigin(Uuid4("3f6c1c5e-2a63-4b0e-9c5b-6b1f0f5f7a10"), MUNICIPALITY)
OTHER_ORIGIN = LogOrigin(ORIGIN.installation, SCHOOL)
START = datetime(2026, 8, 5, 9, 12, tzinfo=UTC)
ENTRY_ID = Uuid4("7d0f2f6e-8d3c-4a51-8b7e-2f1a9c0d4c1e")
NOTHING = Commitment("00" * 32)


def disclosure(entry_id: Uuid4 = ENTRY_ID, committer: Committer | None = None) -> Leaf:
    """The entry for a letter sent to a school."""
    committer = committer or Committer(entry_id)
    return Leaf(
        log=ORIGIN,
        entry_id=entry_id,
        time=START + timedelta(milliseconds=123),
        kind=EntryKind.DISCLOSE,
        visibility=Visibility.OPEN,
        retention="LETTER_FIVE_YEARS",
        activity=Activity("EDUCATION_ORDER_LETTERS", 2),
        purposes=("START_SUPPORT", "RETENTION"),
        bases=(Basis("LAB-30-7-1", "E"), Basis("CONSENT-GDPR", "A", "A")),
        sender=End(MUNICIPALITY, ("ORDER_CASEWORKER",), "esdh-1"),
        recipient=End(SCHOOL, ("STUDY_COUNSELLOR", "CONTACT_TEACHER")),
        subject=committer.commit(CommittedField.SUBJECT, "7403055092"),
        subject_kind=SubjectKind.YOUNG_PERSON,
        subject_count=1,
        categories=("officialid", "order", "support", "health"),
        special=True,
        fields_sent=(
            "/Document/Header/Subject/CprNumber",
            "/Document/EducationOrderLetter/Order/FirstOrderOn",
        ),
        fields_withheld=("/Document/EducationOrderLetter/TestResult",),
        document=committer.commit(CommittedField.DOCUMENT, "b6c1a8a2-4c34-4d12-9a7b-0c58a1a44b11"),
        document_kind="EducationOrderLetter",
        schema=SchemaVersion("1.0", "ab" * 32),
        content=committer.commit(CommittedField.CONTENT, "cd" * 32),
        evidence=committer.commit(CommittedField.EVIDENCE, "ef" * 32),
        conversation=committer.commit(CommittedField.CONVERSATION, "0c5a7a3e-93a9-4b7e-8f29-3d1f6ad0e7a2"),
        message=committer.commit(CommittedField.MESSAGE, "urn:uuid:5f3b1f9e-4a3c-4f38-9d27-b20b81a1d0c4"),
        actor=Actor("CASEWORKER", committer.commit(CommittedField.ACTOR, "mette.eksempel"), "esdh-1"),
    )


def evidence(entry_id: Uuid4, number: int) -> Leaf:
    """The entry for some event in the life of a document."""
    return Leaf(
        log=ORIGIN,
        entry_id=entry_id,
        time=START + timedelta(seconds=number),
        kind=EntryKind.EVIDENCE,
        visibility=Visibility.OPEN,
        retention="LETTER_FIVE_YEARS",
        event="ContentHandover",
        outcome="ACCEPTED",
        message=Commitment(f"{number:064x}"),
    )


def erasure(entry_id: Uuid4, erased: Sequence[Uuid4], outcome: str = "ERASED") -> Leaf:
    """The entry for an erasure of the openings of other entries."""
    return Leaf(
        log=ORIGIN,
        entry_id=entry_id,
        time=START + timedelta(days=1),
        kind=EntryKind.ERASE,
        visibility=Visibility.OPEN,
        retention="ERASURES_TEN_YEARS",
        erases=tuple(erased),
        outcome=outcome,
        reasons=("GDPR_17_1_A",),
        decision=NOTHING,
    )


@dataclass
class Log:
    """A log with its key, its entries' octets, and the sizes at which checkpoints were made."""

    leaves: list[bytes]
    sizes: Sequence[int]
    key: CheckpointKey = field(default_factory=lambda: CheckpointKey.from_seed(secrets.token_bytes(32)))
    origin: LogOrigin = ORIGIN
    openings: list[Opening] = field(default_factory=list)

    @property
    def log_key(self) -> str:
        """The text that an auditor pins."""
        return str(LogKey.of(self.origin, self.key))

    def checkpoint(self, size: int) -> str:
        """The signed note for the first `size` entries."""
        hashes = b"".join(map(leaf_hash, self.leaves[:size]))
        return sign_checkpoint(Checkpoint(str(self.origin), size, Frontier().extend(hashes).root()), self.key)

    def bundle(self, checkpoints: Sequence[str] | None = None) -> bytes:
        """The bundle of the whole log."""
        manifest = Manifest(str(self.origin), len(self.leaves), (LogKey.of(self.origin, self.key),))
        target = io.BytesIO()
        write_bundle(
            target,
            manifest,
            checkpoints=[self.checkpoint(size) for size in self.sizes]
            if checkpoints is None
            else checkpoints,
            leaves=self.leaves,
            hashes=map(leaf_hash, self.leaves),
            openings=map(compose_opening, self.openings),
        )
        return target.getvalue()

    def with_leaves(self, leaves: Sequence[bytes]) -> Log:
        """The same log, with the same key, as if it had these entries."""
        return replace(self, leaves=list(leaves))


def sample_log(size: int = 1000, sizes: Sequence[int] | None = None, *, openings: int = 0) -> Log:
    """A log of `size` entries; the first `openings` are letters whose subject is opened."""
    log = Log([], sizes if sizes is not None else (size // 3, size // 2, size))
    for number in range(size):
        entry_id = Uuid4.new()
        committer = Committer(entry_id)
        leaf = disclosure(entry_id, committer) if number < openings else evidence(entry_id, number)
        log.leaves.append(compose(leaf))
        log.openings.extend(committer.openings[:1])
    return log


def unpacked(bundle: bytes) -> dict[str, bytes]:
    """The members of a bundle."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes]) -> bytes:
    """A bundle of these members, with headers as a reader takes them."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, octets in members.items():
            archive.writestr(zipfile.ZipInfo(name), octets)
    return target.getvalue()
