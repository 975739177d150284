"""What an entry of a party's disclosure log says: codes, categories and salted commitments, never free text.

A log outlives the lists it quotes, so codes are held as text of a fixed shape and not as members of today's lists.
The octets of an entry are made and read in `gateway.translog.leaf`, from the same shapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, unique
from functools import cache, lru_cache
from itertools import repeat
from typing import Final

from gateway.domain.identifiers import PartyId, Uuid4

# The shapes of texts in an entry, as regular expressions over ASCII. None lets in a space, a quote or a backslash:
# so no text is free text, and every text stands in canonical JSON as it is.
CODE: Final = "[A-Z][A-Z0-9_]{1,59}"
CATEGORY: Final = "[a-z]{2,20}"
DETAIL: Final = "[A-Za-z][A-Za-z0-9_.-]{0,79}|[0-9a-f]{64}|[0-9]{1,9}"  # code, setting, fingerprint, number
NAME: Final = "[A-Z][A-Za-z0-9]{1,59}"  # of an event ("SubmissionAcceptance") or a document kind
PATH: Final = "(?:/@?[A-Za-z][A-Za-z0-9]{0,63}){1,12}"  # in the schema: no prefixes, no positions
PROVISION: Final = "[A-Z0-9]{1,12}(?:-[A-Z0-9]{1,12}){0,5}"
SHA256: Final = "[0-9a-f]{64}"
SYSTEM: Final = "[A-Za-z0-9][A-Za-z0-9._-]{0,79}"
UUID4: Final = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
PARTY: Final = "[0-9]{8}-(?:[0-9A-Z]{6}|0[0-9]{3})"
ORIGIN: Final = f"bropost/{UUID4}/{PARTY}"
VERSION: Final = r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,2}"
ARTICLE_6: Final = "[A-F]"
ARTICLE_9: Final = "[A-J]"

MOST_CODES: Final = 50  # in one list of codes
MOST_PATHS: Final = 400  # a full letter has about 120 elements
MOST_ERASED: Final = 1000  # entry ids in one ERASE entry: about 40,000 octets; a larger erasure makes several
GREATEST_COUNT: Final = 999_999_999


@unique
class EntryKind(Enum):
    """What an entry records."""

    DISCLOSE = "DISCLOSE"  # a document was accepted for another party
    RECEIVE = "RECEIVE"  # a document came from another party
    EVIDENCE = "EVIDENCE"  # an event in a document's life, or of a refused one
    ACCESS = "ACCESS"  # stored data were looked at or fetched
    INSIGHT = "INSIGHT"  # the young person was told what is held
    ERASE = "ERASE"  # data and openings were erased, or an erasure was refused
    CORRECT = "CORRECT"  # an earlier entry was wrong
    CONFIG = "CONFIG"  # a setting, a mandate or a decision changed
    KEY = "KEY"  # a key was taken into use, replaced or retired
    EXPORT = "EXPORT"  # a bundle of the log was given to somebody


@unique
class SubjectKind(Enum):
    """Whose data an entry is about."""

    YOUNG_PERSON = "YOUNG_PERSON"
    GUARDIAN = "GUARDIAN"
    STAFF = "STAFF"
    OTHER = "OTHER"


@unique
class Visibility(Enum):
    """Whether the young person sees the entry when asking what was shared; set by the activity."""

    OPEN = "OPEN"
    DELAYED = "DELAYED"  # from `visible_from` on
    CONFIDENTIAL = "CONFIDENTIAL"


@unique
class CommittedField(Enum):
    """The fields that stand in an entry as salted commitments; the value is the name that is hashed."""

    ACTOR = "actor"  # who acted: the user id as the system wrote it
    CONTENT = "content"  # SHA-256 of the document, 64 lower-case hexadecimal digits
    CONVERSATION = "conversation"
    DECISION = "decision"  # the reference of the decision behind an erasure, or why a document was sent against a rule
    DOCUMENT = "document"
    EVIDENCE = "evidence"  # SHA-256 of the signed evidence, 64 lower-case hexadecimal digits
    MESSAGE = "message"
    SUBJECT = "subject"  # the CPR number, ten characters


@dataclass(frozen=True)
class LogOrigin:
    """The name of a party's log in this installation, as its checkpoints and entries carry it."""

    installation: Uuid4
    party: PartyId

    def __str__(self) -> str:
        return f"bropost/{self.installation}/{self.party}"

    @staticmethod
    def parse(text: str) -> LogOrigin:
        """Read the form that `str` gives. ValueError on anything else."""
        _require(ORIGIN, text, "log origin")
        _, installation, party = text.split("/")
        return LogOrigin(Uuid4(installation), PartyId.parse(party))


@dataclass(frozen=True)
class Commitment:
    """A salted SHA-256 that binds to a value without showing it: 64 lower-case hexadecimal digits."""

    hex: str

    def __post_init__(self) -> None:
        _require(SHA256, self.hex, "commitment")


@dataclass(frozen=True)
class Activity:
    """A processing activity of the party's record under GDPR art. 30, in the version that applied."""

    code: str
    version: int

    def __post_init__(self) -> None:
        _require(CODE, self.code, "activity code")
        _count(self.version, "activity version")


@dataclass(frozen=True)
class Basis:
    """A provision that was claimed, with the letters of GDPR art. 6(1) and, where one is needed, art. 9(2)."""

    provision: str
    article_6: str
    article_9: str | None = None

    def __post_init__(self) -> None:
        _require(PROVISION, self.provision, "provision code")
        _require(ARTICLE_6, self.article_6, "letter of art. 6(1)")
        _optional(ARTICLE_9, self.article_9, "letter of art. 9(2)")


@dataclass(frozen=True)
class End:
    """One end of a disclosure: the party, the roles addressed or writing there, and its system where known."""

    party: PartyId
    roles: tuple[str, ...] = ()
    system: str | None = None

    def __post_init__(self) -> None:
        _each(CODE, self.roles, MOST_CODES, "role codes")
        _optional(SYSTEM, self.system, "system id")


@dataclass(frozen=True)
class Actor:
    """Who acted: in which role, which person (as a commitment), through which system."""

    role: str
    person: Commitment | None = None
    system: str | None = None

    def __post_init__(self) -> None:
        _require(CODE, self.role, "role code")
        _optional(SYSTEM, self.system, "system id")


@dataclass(frozen=True)
class SchemaVersion:
    """The document schema that applied: its version and the SHA-256 of its files, in hexadecimal."""

    version: str
    sha256: str

    def __post_init__(self) -> None:
        _require(VERSION, self.version, "schema version")
        _require(SHA256, self.sha256, "schema hash")


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One entry of the disclosure log, complete but for its place, which the transaction assigns.

    ValueError if a text does not have its shape or the kind lacks a field it needs (`REQUIRED`). None and an empty
    list mean the same, absent, and are not written. `time` is zoned UTC in whole milliseconds (`log_time`).
    """

    log: LogOrigin
    entry_id: Uuid4
    time: datetime
    kind: EntryKind
    visibility: Visibility
    retention: str  # code of the rule that says when the openings are erased
    activity: Activity | None = None
    purposes: tuple[str, ...] = ()
    bases: tuple[Basis, ...] = ()
    sender: End | None = None
    recipient: End | None = None
    subject: Commitment | None = None
    subject_kind: SubjectKind | None = None
    subject_count: int = 0
    batch: Uuid4 | None = None  # one mass transfer: an entry for each subject
    categories: tuple[str, ...] = ()
    special: bool = False  # whether data of GDPR art. 9 are among them
    fields_sent: tuple[str, ...] = ()
    fields_withheld: tuple[str, ...] = ()
    document: Commitment | None = None
    document_kind: str | None = None
    schema: SchemaVersion | None = None
    content: Commitment | None = None
    conversation: Commitment | None = None
    message: Commitment | None = None
    event: str | None = None
    evidence: Commitment | None = None
    outcome: str | None = None
    reasons: tuple[str, ...] = ()
    actor: Actor | None = None
    corrects: Uuid4 | None = None
    erases: tuple[Uuid4, ...] = ()
    decision: Commitment | None = None
    details: tuple[str, ...] = ()
    visible_from: date | None = None

    def __post_init__(self) -> None:
        if self.time.utcoffset() != timedelta(0) or self.time.microsecond % 1000:
            raise ValueError("the time of an entry is UTC in whole milliseconds")
        _require(CODE, self.retention, "retention rule")
        _optional(NAME, self.document_kind, "document kind")
        _optional(NAME, self.event, "event")
        _optional(CODE, self.outcome, "outcome")
        for codes in (self.purposes, self.reasons):
            _each(CODE, codes, MOST_CODES, "codes")
        _each(CATEGORY, self.categories, MOST_CODES, "categories")
        _each(DETAIL, self.details, MOST_CODES, "details")
        _each(PATH, self.fields_sent, MOST_PATHS, "schema paths")
        _each(PATH, self.fields_withheld, MOST_PATHS, "schema paths")
        _count(self.subject_count, "subject count")
        if len(self.bases) > MOST_CODES or len(self.erases) > MOST_ERASED:
            raise ValueError("more bases or erased entries than one entry holds")
        self._check_together()

    def _check_together(self) -> None:
        """What no field can tell alone."""
        missing = [name for name in REQUIRED[self.kind] if getattr(self, name) in (None, ())]
        if missing:
            raise ValueError(f"an entry of kind {self.kind.value} needs {', '.join(missing)}")
        if (self.visibility is Visibility.DELAYED) != (self.visible_from is not None):
            raise ValueError("an entry has a date of visibility exactly when it is delayed")
        if (self.subject_kind is not None) != (self.subject_count > 0):
            raise ValueError("subjects have a kind and a count above 0, or neither")
        if self.subject is not None and self.subject_count != 1:
            raise ValueError("an entry with a subject is about one")
        if self.erases and self.kind is not EntryKind.ERASE:
            raise ValueError("only an entry of kind ERASE erases")

    def commitments(self) -> Mapping[CommittedField, Commitment]:
        """The commitments that the entry holds, by field."""
        found = {field: getattr(self, field.value) for field in CommittedField}
        found[CommittedField.ACTOR] = self.actor.person if self.actor else None
        return {field: commitment for field, commitment in found.items() if commitment is not None}


_SHARED: Final = (
    "activity", "purposes", "bases", "sender", "recipient", "categories", "fields_sent",
    "document", "document_kind", "schema", "content",
)  # fmt: skip
REQUIRED: Final[Mapping[EntryKind, tuple[str, ...]]] = {
    EntryKind.DISCLOSE: _SHARED,
    EntryKind.RECEIVE: _SHARED,
    EntryKind.EVIDENCE: ("event", "outcome"),
    EntryKind.ACCESS: ("activity", "actor"),
    EntryKind.INSIGHT: ("activity",),
    EntryKind.ERASE: ("erases", "outcome", "reasons"),
    EntryKind.CORRECT: ("corrects", "reasons"),
    EntryKind.CONFIG: ("details",),
    EntryKind.KEY: ("details",),
    EntryKind.EXPORT: ("actor",),
}
"""The fields that an entry of a kind must have, beside those that every entry has."""

ERASED: Final = "ERASED"
"""The outcome of an ERASE entry whose named entries lost their openings; any other outcome erased nothing."""


def log_time(at: datetime) -> datetime:
    """The time as entries hold it: `at` (zoned UTC) without its part of a millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@cache
def _shape(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@lru_cache(maxsize=4096)  # lists hold paths of the schema and codes, the same ones in every entry
def _has_shape(pattern: str, text: str) -> bool:
    return _shape(pattern).fullmatch(text) is not None


def _require(pattern: str, text: str, what: str) -> None:
    if not _shape(pattern).fullmatch(text):
        raise ValueError(f"not a {what}")


def _optional(pattern: str, text: str | None, what: str) -> None:
    if text is not None:
        _require(pattern, text, what)


def _each(pattern: str, texts: tuple[str, ...], most: int, what: str) -> None:
    if len(texts) > most or not all(map(_has_shape, repeat(pattern), texts)):
        raise ValueError(f"not a list of at most {most} {what}")


def _count(number: int, what: str) -> None:
    if isinstance(number, bool) or not 0 <= number <= GREATEST_COUNT:
        raise ValueError(f"not a {what}")
