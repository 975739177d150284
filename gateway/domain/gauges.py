"""What is measured of an installation whenever somebody asks: each gauge with its name at `/metrics` and its words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, unique


@dataclass(frozen=True)
class GaugeRow:
    """One gauge: its name, what it tells, and what it is told apart by."""

    name: str  # ends in its unit, or in a word that is true (1) or not (0)
    help: str
    label: str | None = None  # a list that is closed or as long as the settings make it


@unique
class Gauge(Enum):
    """What is measured, whenever it is asked for."""

    STORE_UP = GaugeRow("bropost_store_up", "1 while the store can be read, else 0.")
    STORE_WRITABLE = GaugeRow(
        "bropost_store_writable",
        "1 while the store keeps what is written, 0 since a write failed or on a standby.",
    )
    UNDELIVERED_OLDEST_SECONDS = GaugeRow(
        "bropost_undelivered_oldest_seconds",
        "Seconds since the oldest document was accepted that is not delivered; 0 if all are.",
    )
    DELIVERY_LAG_SECONDS = GaugeRow(
        "bropost_delivery_lag_seconds",
        "Seconds that the longest waiting delivery is overdue; those set aside do not count.",
    )
    DELIVERIES_PARKED = GaugeRow(
        "bropost_deliveries_parked",
        "Number of deliveries that failed, were set aside, and wait for a person.",
    )
    DEADLINE_LAG_SECONDS = GaugeRow(
        "bropost_deadline_lag_seconds",
        "Seconds that the longest waiting deadline, or its warning, is overdue to be told; those put off do not count.",
    )
    DEADLINES_PUT_OFF = GaugeRow(
        "bropost_deadlines_put_off",
        "Number of deadlines, or warnings, that could not be told in time; each is tried again within the hour.",
    )
    CHECKPOINT_LAG_SECONDS = GaugeRow(
        "bropost_checkpoint_lag_seconds",
        "Seconds by which the oldest log entry without a checkpoint has waited longer than the settings allow.",
    )
    WORKER_IDLE_SECONDS = GaugeRow(
        "bropost_worker_idle_seconds", "Seconds since the worker of this process ended its last turn."
    )
    REVOCATION_LIST_AGE_SECONDS = GaugeRow(
        "bropost_revocation_list_age_seconds",
        "Seconds since the newest revocation list at hand was made; +Inf without any.",
        "issuer",
    )
    REVOCATION_LIST_REMAINING_SECONDS = GaugeRow(
        "bropost_revocation_list_remaining_seconds",
        "Seconds until the newest revocation list admits no new submissions; negative since it does not.",
        "issuer",
    )
    REVOCATION_FETCH_FAILURES = GaugeRow(
        "bropost_revocation_fetch_failures",
        "Number of times in a row that the worst address of a revocation list gave none that could be kept.",
    )
    ANTIVIRUS_UP = GaugeRow("bropost_antivirus_up", "1 while the antivirus answers, else 0.")
    CERTIFICATE_REMAINING_DAYS = GaugeRow(
        "bropost_certificate_remaining_days",
        "Days until a certificate of our own ends; of the parties' seals, the first to end.",
        "certificate",
    )
    OWN_CERTIFICATE_USABLE = GaugeRow(
        "bropost_own_certificate_usable",
        "1 while the gateway signs with this certificate, 0 since it ended or was revoked.",
        "certificate",
    )
    PARTY_SEALS_MISSING = GaugeRow(
        "bropost_party_seals_missing",
        "Number of parties whose seal key the gateway should have and cannot read.",
    )
    DISK_FREE_BYTES = GaugeRow(
        "bropost_disk_free_bytes", "Bytes that the gateway may still write where this folder is.", "folder"
    )
    CLOCK_BEHIND_SECONDS = GaugeRow(
        "bropost_clock_behind_seconds",
        "Seconds by which the clock of this machine is behind the newest time in the store; 0 if it is not.",
    )
    CLOCK_SET_SECONDS = GaugeRow(
        "bropost_clock_set_seconds",
        "Seconds by which the clock was set, either way, since the process began: against what has passed.",
    )
    CLOCK_SYNCHRONISED = GaugeRow(
        "bropost_clock_synchronised",
        "1 if the kernel says that its clock is kept right by a time service, else 0.",
    )


@dataclass(frozen=True)
class Reading:
    """One value of a gauge; `of` says of what, where the gauge tells several apart."""

    gauge: Gauge
    value: float
    of: str = ""


def shown(value: float) -> str:
    """A reading for people: without parts that say nothing."""
    return f"{value:.0f}" if math.isinf(value) or abs(value) >= 100 or value == int(value) else f"{value:.1f}"
