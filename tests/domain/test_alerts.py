"""An alert sounds on the wrong side of its limit, by its worst reading, and is silent where nothing is measured."""

from __future__ import annotations

import math

import pytest

from gateway.domain.alerts import Alert, judge
from gateway.domain.gauges import Gauge, Reading, shown


def sounding(*readings: Reading) -> dict[str, str]:
    """What sounds, with of what its worst reading is."""
    return {each.alert.title: each.worst.of for each in judge(readings) if each.sounds}


@pytest.mark.parametrize(
    ("gauge", "value", "titles"),
    [
        (Gauge.DELIVERY_LAG_SECONDS, 300, []),
        (Gauge.DELIVERY_LAG_SECONDS, 301, ["DeliveryLate"]),
        (Gauge.DELIVERIES_PARKED, 1, ["DeliveryParked"]),
        (Gauge.STORE_UP, 0, ["StoreAway"]),
        (Gauge.STORE_UP, 1, []),
        (Gauge.STORE_WRITABLE, 0, ["StoreUnwritable"]),
        (Gauge.STORE_WRITABLE, 1, []),
        (Gauge.CERTIFICATE_REMAINING_DAYS, 60, []),
        (Gauge.CERTIFICATE_REMAINING_DAYS, 59.9, ["CertificateEndsWithin60Days"]),
        (
            Gauge.CERTIFICATE_REMAINING_DAYS,
            29.9,
            ["CertificateEndsWithin60Days", "CertificateEndsWithin30Days"],
        ),
        (
            Gauge.CERTIFICATE_REMAINING_DAYS,
            6.9,
            ["CertificateEndsWithin60Days", "CertificateEndsWithin30Days", "CertificateEndsWithin7Days"],
        ),
        (
            Gauge.REVOCATION_LIST_REMAINING_SECONDS,
            -math.inf,
            ["RevocationListOld", "RevocationListUnusable"],
        ),
    ],
)
def test_an_alert_sounds_beyond_its_limit(gauge: Gauge, value: float, titles: list[str]) -> None:
    assert list(sounding(Reading(gauge, value))) == titles


def test_the_worst_reading_decides_and_is_named() -> None:
    days = [
        Reading(Gauge.CERTIFICATE_REMAINING_DAYS, value, of) for of, value in (("tls", 400), ("seal", 20))
    ]
    assert sounding(*days)["CertificateEndsWithin30Days"] == "seal"
    free = [Reading(Gauge.DISK_FREE_BYTES, value, of) for of, value in (("blobs", 5), ("database", 1e12))]
    assert sounding(*free) == {"DiskNearlyFull": "blobs"}


def test_what_is_not_measured_is_not_judged() -> None:
    judged = {each.alert for each in judge([Reading(Gauge.STORE_UP, 1)])}
    assert judged == {Alert.STORE_AWAY}


def test_an_alert_is_named_as_prometheus_names_alerts() -> None:
    assert Alert.DELIVERY_LATE.title == "DeliveryLate"
    assert Alert.CERTIFICATE_ENDS_WITHIN_7_DAYS.title == "CertificateEndsWithin7Days"
    assert Alert.DISK_NEARLY_FULL.expression == "bropost_disk_free_bytes < 1073741824"


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (1.26, "1.3"), (364.9, "365"), (-math.inf, "-inf")])
def test_a_reading_is_shown_without_parts_that_say_nothing(value: float, text: str) -> None:
    assert shown(value) == text
