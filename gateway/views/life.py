"""The life of a document as an operator may know it: who, when, what is waited for and what is in the way.

Nothing of what the document says is here, and nobody but organisations, systems and roles is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, unique

from gateway.domain.deadlines import DeadlineKind
from gateway.domain.evidence import ReasonCode
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.party import Role
from gateway.domain.status import AnswerCode, Flag, Standing, Status
from gateway.views.danish import visible


@dataclass(frozen=True)
class End:
    """One end of the letter: the party and its name."""

    party: PartyId
    name: str

    def __str__(self) -> str:
        return f"{visible(self.name)} ({self.party})"


@unique
class Obstacle(Enum):
    """What keeps a system from receiving, as one knows without asking it."""

    NO_RIGHT = "har ingen fuldmagt til at bekræfte aflevering"
    NO_CERTIFICATE = "har intet gyldigt certifikat registreret"


@dataclass(frozen=True)
class Receiver:
    """A system that shall receive the document, and what keeps it from doing so."""

    name: str
    obstacle: Obstacle | None


@dataclass(frozen=True)
class Happening:
    """One line of the timeline. What is inferred has neither time nor issuer."""

    kind: str  # a state, or another thing that happened
    standing: Standing
    at: datetime | None = None
    issuer: str = ""
    system: str = ""  # which system asserts it, or asked for it
    role: Role | None = None
    reasons: tuple[ReasonCode, ...] = ()
    answer: AnswerCode | None = None
    flags: frozenset[Flag] = frozenset()
    related: Uuid4 | None = None


@dataclass(frozen=True)
class Wait:
    """One wait that is open, or that ended in silence."""

    kind: DeadlineKind
    due_at: datetime
    warned_at: datetime | None
    fired_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it still runs."""
        return self.fired_at is None


@dataclass(frozen=True)
class Task:
    """The delivery that is promised."""

    due_at: datetime
    attempts: int
    parked_at: datetime | None
    code: str | None


@dataclass(frozen=True, kw_only=True)
class Life:
    """All that is known of a document beside its content; times are zoned UTC."""

    now: datetime
    document_id: Uuid4
    conversation_id: Uuid4
    kind: DocumentKind
    sender: End
    recipient: End
    roles: tuple[Role, ...]
    accepted_at: datetime
    status: Status
    happenings: tuple[Happening, ...]
    waits: tuple[Wait, ...]
    task: Task | None
    corrected_by: Uuid4 | None
    content_removed: bool
    withdrawn_for: ReasonCode | None
    receivers: tuple[Receiver, ...]
    own_troubles: tuple[str, ...]  # what keeps the gateway itself from working, as codes of the catalogue

    def open_wait(self, *kinds: DeadlineKind) -> Wait | None:
        """The open wait of one of these kinds that falls due first, or None."""
        found = [wait for wait in self.waits if wait.is_open and wait.kind in kinds]
        return min(found, key=lambda wait: wait.due_at, default=None)
