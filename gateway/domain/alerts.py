"""At which readings a person must be told: one table for Prometheus, for `bropost check` and for the runbook.

`docs/alerts.yml` is made from it. Most are a limit on a gauge. What only a monitoring program can see, because it
compares times, is a number of refusals or has an expression of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, unique
from typing import Final

from gateway.domain.catalogue import Code, Family
from gateway.domain.gauges import Gauge, Reading

_HOUR: Final = 3600
_GIB: Final = 1024**3
_DEFECTS: Final = frozenset(code for code in Code if code.row.family is Family.INTERNAL)
_OURS: Final = _DEFECTS | {code for code in Code if code.row.family is Family.UNAVAILABLE}
JOB: Final = "bropost"  # as the job must be called in the settings of Prometheus


@unique
class Severity(Enum):
    """How soon a person must look."""

    NOTE = "note"  # this month
    WARNING = "warning"  # today
    CRITICAL = "critical"  # now


@unique
class Side(Enum):
    """On which side of its limit a value is wrong."""

    ABOVE = ">"
    BELOW = "<"


@dataclass(frozen=True)
class Limit:
    """Where a gauge becomes an alert."""

    gauge: Gauge
    side: Side
    value: float

    def is_broken_by(self, reading: Reading) -> bool:
        """Whether a reading of this gauge is on the wrong side."""
        return reading.value > self.value if self.side is Side.ABOVE else reading.value < self.value


@unique
class Refused(Enum):
    """What counts refusals, by service and code."""

    SIGNED = "bropost_refused"  # of those whose signature held
    UNVERIFIED = "bropost_refused_unverified"


@dataclass(frozen=True)
class Refusals:
    """How many refusals with these codes are too many in a quarter of an hour, and by what they are told apart."""

    codes: frozenset[Code]
    at_most: int
    by: tuple[str, ...]
    counters: tuple[Refused, ...] = tuple(Refused)

    @property
    def expression(self) -> str:
        """When they are too many, in PromQL. The counters are summed: a defect may meet a request at any step."""
        by = f" by ({', '.join(self.by)}) " if self.by else ""
        risen = (f"sum{by}(increase({each.value}_total{{{self._named()}}}[15m]))" for each in self.counters)
        return f"{' + '.join(risen)} > {self.at_most}"

    def _named(self) -> str:
        """The codes as Prometheus selects them: those that are meant, or those that are not, whichever are fewer."""
        others = frozenset(Code) - self.codes
        sign, few = ("=~", self.codes) if len(self.codes) < len(others) else ("!~", others)
        return f'code{sign}"{"|".join(sorted(code.name for code in few))}"'


@dataclass(frozen=True)
class AlertRow:
    """One alert: when it sounds, how soon somebody must look, and what it says."""

    severity: Severity
    english: str
    limit: Limit | None = None
    refusals: Refusals | None = None
    counted: str = ""  # PromQL, where neither a limit nor refusals tell
    by: tuple[str, ...] = ()  # what `counted` is told apart by
    lasting: timedelta = timedelta(0)  # how long it must be so before it sounds


def _above(gauge: Gauge, value: float) -> Limit:
    return Limit(gauge, Side.ABOVE, value)


def _below(gauge: Gauge, value: float) -> Limit:
    return Limit(gauge, Side.BELOW, value)


@unique
class Alert(Enum):
    """What a person must be told of. `docs/operations.md` has a paragraph on each, by its `title`."""

    GATEWAY_AWAY = AlertRow(
        Severity.CRITICAL,
        "A gateway shows no metrics: it does not run, or cannot be reached.",
        counted=f'absent({Gauge.STORE_UP.value.name}) or up{{job="{JOB}"}} == 0',  # none at all, or one of several
        by=("instance",),
        lasting=timedelta(minutes=2),
    )
    STORE_AWAY = AlertRow(
        Severity.CRITICAL,
        "The store cannot be read.",
        _below(Gauge.STORE_UP, 1),
        lasting=timedelta(minutes=1),
    )
    STORE_UNWRITABLE = AlertRow(
        Severity.CRITICAL,
        "The store can be read and not written: nothing is accepted or delivered.",
        _below(Gauge.STORE_WRITABLE, 1),
        lasting=timedelta(minutes=1),
    )
    DELIVERY_LATE = AlertRow(
        Severity.CRITICAL,
        "A delivery has been due for more than five minutes.",  # here it takes well under a second
        _above(Gauge.DELIVERY_LAG_SECONDS, 300),
    )
    DELIVERY_PARKED = AlertRow(
        Severity.CRITICAL,
        "A delivery failed, was set aside, and waits for a person.",
        _above(Gauge.DELIVERIES_PARKED, 0),
    )
    DOCUMENT_UNDELIVERED = AlertRow(
        Severity.WARNING,
        "A document was accepted more than four hours ago and is not delivered.",
        _above(Gauge.UNDELIVERED_OLDEST_SECONDS, 4 * _HOUR),  # a third of the wait until its sender is warned
    )
    DEADLINES_LATE = AlertRow(
        Severity.CRITICAL,
        "A deadline passed more than ten minutes ago, and nobody was told.",
        _above(Gauge.DEADLINE_LAG_SECONDS, 600),
    )
    DEADLINE_PUT_OFF = AlertRow(
        Severity.CRITICAL,
        "A deadline could not be judged, was put off, and nobody was told.",
        _above(Gauge.DEADLINES_PUT_OFF, 0),
        lasting=timedelta(minutes=5),  # what was only away for a moment is told a minute later
    )
    CHECKPOINT_LATE = AlertRow(
        Severity.WARNING,
        "A log has entries that no checkpoint covers, ten minutes longer than the settings allow.",
        _above(Gauge.CHECKPOINT_LAG_SECONDS, 600),
    )
    WORKER_STOPPED = AlertRow(
        Severity.CRITICAL,
        "The worker has not ended a turn for five minutes.",
        _above(Gauge.WORKER_IDLE_SECONDS, 300),
    )
    WORKER_FAILS = AlertRow(
        Severity.WARNING,
        "A duty of the worker failed more than three times in a quarter of an hour.",
        counted="sum by (duty, instance) (increase(bropost_worker_failed_total[15m])) > 3",
        by=("duty", "instance"),
    )
    REVOCATION_LIST_OLD = AlertRow(
        Severity.WARNING,
        "In less than six hours a revocation list will admit no new letters and notices.",
        _below(Gauge.REVOCATION_LIST_REMAINING_SECONDS, 6 * _HOUR),
    )
    REVOCATION_LIST_UNUSABLE = AlertRow(
        Severity.CRITICAL,
        "A revocation list is too old or missing: new letters and notices are refused.",
        _below(Gauge.REVOCATION_LIST_REMAINING_SECONDS, 0),
    )
    REVOCATION_FETCH_FAILS = AlertRow(
        Severity.WARNING,
        "The address of a revocation list gave none that could be kept, five times in a row.",  # for half an hour
        _above(Gauge.REVOCATION_FETCH_FAILURES, 4),
    )
    ANTIVIRUS_AWAY = AlertRow(
        Severity.CRITICAL,
        "The antivirus does not answer: letters and notices with attachments are not accepted.",
        _below(Gauge.ANTIVIRUS_UP, 1),
        lasting=timedelta(minutes=2),
    )
    ATTACHMENTS_UNJUDGED = AlertRow(
        Severity.WARNING,
        "More than three documents in a quarter of an hour were refused, for the antivirus gave no verdict.",
        refusals=Refusals(
            frozenset({Code.ANTIVIRUS_UNAVAILABLE}), 3, ("code", "instance"), (Refused.SIGNED,)
        ),
    )
    OWN_CERTIFICATE_UNUSABLE = AlertRow(
        Severity.CRITICAL,
        "A certificate of the gateway's own ended or was revoked: it signs nothing more.",
        _below(Gauge.OWN_CERTIFICATE_USABLE, 1),
    )
    CERTIFICATE_ENDS_WITHIN_60_DAYS = AlertRow(
        Severity.NOTE,
        "A certificate of our own ends within 60 days.",
        _below(Gauge.CERTIFICATE_REMAINING_DAYS, 60),
    )
    CERTIFICATE_ENDS_WITHIN_30_DAYS = AlertRow(
        Severity.WARNING,
        "A certificate of our own ends within 30 days.",
        _below(Gauge.CERTIFICATE_REMAINING_DAYS, 30),
    )
    CERTIFICATE_ENDS_WITHIN_7_DAYS = AlertRow(
        Severity.CRITICAL,
        "A certificate of our own ends within 7 days.",
        _below(Gauge.CERTIFICATE_REMAINING_DAYS, 7),
    )
    PARTY_SEAL_MISSING = AlertRow(
        Severity.CRITICAL,
        "The gateway cannot read the key with which it should seal for a party.",
        _above(Gauge.PARTY_SEALS_MISSING, 0),
    )
    DISK_NEARLY_FULL = AlertRow(
        Severity.CRITICAL,
        "Less than one gibibyte is free where the gateway stores.",  # some fifty of the largest letters
        _below(Gauge.DISK_FREE_BYTES, _GIB),
    )
    CLOCK_BEHIND = AlertRow(
        Severity.CRITICAL,
        "The clock is more than five seconds behind what it wrote into the store before.",
        _above(Gauge.CLOCK_BEHIND_SECONDS, 5),
    )
    CLOCK_SET = AlertRow(
        Severity.WARNING,
        "The clock was set by more than a minute while the gateway ran.",
        _above(Gauge.CLOCK_SET_SECONDS, 60),
    )
    CLOCK_UNSYNCHRONISED = AlertRow(
        Severity.NOTE,
        "The kernel knows of no time service that keeps its clock right.",
        _below(Gauge.CLOCK_SYNCHRONISED, 1),
        lasting=timedelta(hours=1),
    )
    GATEWAY_DEFECT = AlertRow(
        Severity.CRITICAL,
        "A request was refused for a defect of the gateway or of its store.",
        refusals=Refusals(_DEFECTS, 0, ("code", "instance")),
    )
    STORE_BUSY = AlertRow(
        Severity.WARNING,
        "More than ten requests in a quarter of an hour were told to try again, for the store was busy or away.",
        refusals=Refusals(frozenset({Code.BUSY, Code.STORE_UNAVAILABLE}), 10, ()),
    )
    SYSTEM_TOLD_TO_WAIT = AlertRow(
        Severity.WARNING,
        "A system asks or sends more than it may, and is told to wait.",
        refusals=Refusals(
            frozenset({Code.RATE_LIMITED, Code.QUOTA_EXCEEDED}), 0, ("code", "service"), (Refused.SIGNED,)
        ),
    )
    ATTACHMENT_INFECTED = AlertRow(
        Severity.WARNING,
        "The antivirus found something in an attachment, and its document was refused.",
        refusals=Refusals(frozenset({Code.ATTACHMENT_INFECTED}), 0, ("service",), (Refused.SIGNED,)),
    )
    ANSWERS_SLOW = AlertRow(
        Severity.WARNING,
        "One request in a hundred takes longer than ten seconds.",
        counted="histogram_quantile(0.99, sum by (instance, le) (rate(bropost_request_seconds_bucket[15m]))) > 10",
        by=("instance",),
        lasting=timedelta(minutes=15),
    )
    STRANGERS_REFUSED = AlertRow(
        Severity.WARNING,
        "More than a hundred messages in a quarter of an hour had no signature that holds.",
        refusals=Refusals(frozenset(Code) - _OURS, 100, ("code",), (Refused.UNVERIFIED,)),
    )

    @property
    def title(self) -> str:
        """Its name as alert, in `bropost check` and as a heading: "DeliveryLate"."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def expression(self) -> str:
        """When it sounds, in PromQL."""
        limit, refusals = self.value.limit, self.value.refusals
        if limit is not None:
            return f"{limit.gauge.value.name} {limit.side.value} {limit.value:.0f}"
        return refusals.expression if refusals is not None else self.value.counted

    @property
    def labels(self) -> tuple[str, ...]:
        """What tells apart those of this alert that sound at once: names of labels of Prometheus."""
        limit, refusals = self.value.limit, self.value.refusals
        if limit is not None:
            label = limit.gauge.value.label
            return ("instance",) if label is None else (label, "instance")
        return refusals.by if refusals is not None else self.value.by


def watched() -> Mapping[Refused, frozenset[Code]]:
    """Which codes of each counter an alert looks at."""
    rows = [alert.value.refusals for alert in Alert if alert.value.refusals is not None]
    return {
        counter: frozenset[Code]().union(*(row.codes for row in rows if counter in row.counters))
        for counter in Refused
    }


@dataclass(frozen=True)
class Verdict:
    """How an installation stands by one alert: the reading that decides, and whether it sounds."""

    alert: Alert
    worst: Reading
    sounds: bool


def judge(readings: Iterable[Reading]) -> tuple[Verdict, ...]:
    """How these readings stand by every alert with a limit whose gauge is among them."""
    known = tuple(readings)
    verdicts = []
    for alert in Alert:
        limit = alert.value.limit
        of_gauge = [each for each in known if limit is not None and each.gauge is limit.gauge]
        if limit is None or not of_gauge:
            continue
        pick = max if limit.side is Side.ABOVE else min
        worst = pick(of_gauge, key=lambda each: each.value)
        verdicts.append(Verdict(alert, worst, limit.is_broken_by(worst)))
    return tuple(verdicts)
