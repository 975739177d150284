"""The kinds of documents: who may send each to whom, what it is called, and when it must be read and answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from gateway.domain.calendar import Calendar


@unique
class Direction(Enum):
    """From which sort of party to which."""

    MUNICIPALITY_TO_INSTITUTION = "M -> I"
    INSTITUTION_TO_MUNICIPALITY = "I -> M"
    MUNICIPALITY_TO_MUNICIPALITY = "M -> M"
    INSTITUTION_TO_INSTITUTION = "I -> I"  # no kind goes this way

    @staticmethod
    def between(sender_is_municipality: bool, recipient_is_municipality: bool) -> Direction:
        """The direction between these two sorts of parties."""
        return _DIRECTIONS[sender_is_municipality, recipient_is_municipality]


_DIRECTIONS: Final = {
    (True, False): Direction.MUNICIPALITY_TO_INSTITUTION,
    (False, True): Direction.INSTITUTION_TO_MUNICIPALITY,
    (True, True): Direction.MUNICIPALITY_TO_MUNICIPALITY,
    (False, False): Direction.INSTITUTION_TO_INSTITUTION,
}
_OUT: Final = frozenset({Direction.MUNICIPALITY_TO_INSTITUTION})
_IN: Final = frozenset({Direction.INSTITUTION_TO_MUNICIPALITY})
_BOTH: Final = _OUT | _IN
_EVERY: Final = _BOTH | {
    Direction.MUNICIPALITY_TO_MUNICIPALITY
}  # a handover is answered and withdrawn like others


@dataclass(frozen=True)
class WorkingSpan:
    """A span of Danish working time: working days (to closing time of the last), or working hours."""

    days: int = 0
    hours: int = 0

    def __post_init__(self) -> None:
        if (self.days > 0) == (self.hours > 0):
            raise ValueError("a span is a number of working days or of working hours, not both")

    def after(self, start: datetime, calendar: Calendar) -> datetime:
        """When the span that begins at `start` (zoned UTC) ends in this calendar."""
        if self.days:
            return calendar.add_working_days(start, self.days)
        return calendar.add_working_time(start, timedelta(hours=self.hours))


@dataclass(frozen=True)
class Waits:
    """How long a document may stay unread and unanswered; no answer span means that none is awaited."""

    read: WorkingSpan
    answer: WorkingSpan | None = None


@unique
class Urgency(Enum):
    """How soon the municipality must act on a risk of dropout."""

    TODAY = "TODAY"
    TWO_DAYS = "TWO_DAYS"
    ONE_WEEK = "ONE_WEEK"


# Product defaults: no rule of law sets these times.
WAITS_OF_URGENCY: Final = {
    Urgency.TODAY: Waits(read=WorkingSpan(hours=2), answer=WorkingSpan(hours=8)),
    Urgency.TWO_DAYS: Waits(read=WorkingSpan(hours=8), answer=WorkingSpan(days=2)),
    Urgency.ONE_WEEK: Waits(read=WorkingSpan(days=2), answer=WorkingSpan(days=5)),
}
WISHED_ANSWER: Final = WorkingSpan(days=10)
"""How long a document waits that awaits an answer only because its sender says so."""
_READ_ONLY: Final = Waits(read=WorkingSpan(days=2))
_ANSWERED: Final = Waits(read=WorkingSpan(days=2), answer=WorkingSpan(days=10))


@dataclass(frozen=True)
class KindRow:
    """One kind: its ways, its labels, and the waits that apply unless the document itself says more."""

    directions: frozenset[Direction]
    danish: str
    english: str
    waits: Waits = _READ_ONLY


@unique
class DocumentKind(Enum):
    """What a document is; the value is the name of its body element."""

    EDUCATION_ORDER_LETTER = "EducationOrderLetter"
    SUPPORT_NEED_LETTER = "SupportNeedLetter"
    TRANSITION_LETTER = "TransitionLetter"
    APPLICATION_NOTICE = "ApplicationNotice"
    ADMISSION_NOTICE = "AdmissionNotice"
    ABSENCE_NOTICE = "AbsenceNotice"
    DROPOUT_RISK_NOTICE = "DropoutRiskNotice"
    INTERRUPTION_NOTICE = "InterruptionNotice"
    COMPLETION_NOTICE = "CompletionNotice"
    TRANSITION_NOTICE = "TransitionNotice"
    ANSWER_NOTICE = "AnswerNotice"
    AGREEMENT_NOTICE = "AgreementNotice"
    NOTE_NOTICE = "NoteNotice"
    CONTACT_CHANGE_NOTICE = "ContactChangeNotice"
    WITHDRAWAL_NOTICE = "WithdrawalNotice"
    HANDOVER_NOTICE = "HandoverNotice"

    @property
    def row(self) -> KindRow:
        """Everything else that is known of the kind."""
        return KINDS[self]

    @property
    def is_letter(self) -> bool:
        """Whether SendLetter carries it; SendNotice carries the others."""
        return self.value.endswith("Letter")

    def waits(self, urgency: Urgency | None = None) -> Waits:
        """How long it may stay unread and unanswered, given the urgency of a risk notice."""
        return self.row.waits if urgency is None else WAITS_OF_URGENCY[urgency]


KINDS: Final = {
    DocumentKind.EDUCATION_ORDER_LETTER: KindRow(
        _OUT, "Brev om uddannelsespålæg", "Letter on an education order"
    ),
    DocumentKind.SUPPORT_NEED_LETTER: KindRow(
        _OUT, "Brev om støttebehov uden pålæg", "Letter on support needs without an order"
    ),
    DocumentKind.TRANSITION_LETTER: KindRow(_OUT, "Brev om overgang", "Letter on a transition"),
    DocumentKind.APPLICATION_NOTICE: KindRow(_IN, "Meddelelse om ansøgning", "Notice of application"),
    DocumentKind.ADMISSION_NOTICE: KindRow(_IN, "Meddelelse om optagelse", "Notice of admission"),
    DocumentKind.ABSENCE_NOTICE: KindRow(_IN, "Meddelelse om fravær", "Notice of absence"),
    DocumentKind.DROPOUT_RISK_NOTICE: KindRow(
        _IN, "Meddelelse om risiko for frafald", "Notice of dropout risk", WAITS_OF_URGENCY[Urgency.ONE_WEEK]
    ),
    DocumentKind.INTERRUPTION_NOTICE: KindRow(_IN, "Meddelelse om afbrud", "Notice of interruption"),
    DocumentKind.COMPLETION_NOTICE: KindRow(_IN, "Meddelelse om gennemførelse", "Notice of completion"),
    DocumentKind.TRANSITION_NOTICE: KindRow(_IN, "Meddelelse om overgang", "Notice of transition"),
    DocumentKind.ANSWER_NOTICE: KindRow(_EVERY, "Svar", "Answer"),
    DocumentKind.AGREEMENT_NOTICE: KindRow(_BOTH, "Aftale", "Agreement"),
    DocumentKind.NOTE_NOTICE: KindRow(_BOTH, "Besked", "Note"),
    DocumentKind.CONTACT_CHANGE_NOTICE: KindRow(_BOTH, "Ny kontakt", "Change of contact"),
    DocumentKind.WITHDRAWAL_NOTICE: KindRow(_EVERY, "Tilbagekaldelse", "Withdrawal"),
    DocumentKind.HANDOVER_NOTICE: KindRow(
        frozenset({Direction.MUNICIPALITY_TO_MUNICIPALITY}),
        "Overdragelse mellem kommuner",
        "Handover",
        _ANSWERED,
    ),
}
