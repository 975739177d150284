"""What is measured of an installation: what waits too long, what ends, and that the clock is not behind the store."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.alerts import judge
from gateway.domain.gauges import Gauge
from gateway.domain.identifiers import Uuid4
from gateway.services.vitals import Vitals, seal_end
from gateway.storage import gauges
from tests.installation import INSTITUTION, MUNICIPALITY, TestInstallation
from tests.services.papers import deliver_letter, send_letter

CHECKPOINT_SECONDS = 60
WHERE_SET_UP = {Gauge.ANTIVIRUS_UP, Gauge.REVOCATION_FETCH_FAILURES}
"""What is measured only where the settings name a helper of the gateway."""


def measured(house: TestInstallation) -> dict[tuple[Gauge, str], float]:
    """Every reading."""
    tls = house.pki.certificate("localhost")
    readings = Vitals(house.installation, tls, CHECKPOINT_SECONDS).readings()
    return {(each.gauge, each.of): each.value for each in readings}


def of(house: TestInstallation, gauge: Gauge, label: str = "") -> float:
    """One reading."""
    return measured(house)[gauge, label]


def alarms(house: TestInstallation) -> set[str]:
    """The alerts that sound."""
    tls = house.pki.certificate("localhost")
    readings = Vitals(house.installation, tls, CHECKPOINT_SECONDS).readings()
    return {each.alert.title for each in judge(readings) if each.sounds}


def test_a_sound_installation_raises_no_alarm(house: TestInstallation) -> None:
    deliver_letter(house)
    house.work()
    assert alarms(house) == set()
    found = measured(house)
    assert {gauge for gauge, _ in found} == set(Gauge) - {
        Gauge.WORKER_IDLE_SECONDS,
        Gauge.DISK_FREE_BYTES,
        Gauge.CLOCK_SET_SECONDS,
        Gauge.CLOCK_SYNCHRONISED,
        *WHERE_SET_UP,
    }
    assert found[Gauge.STORE_UP, ""] == 1


def test_a_letter_that_nobody_delivers_is_measured_from_its_acceptance(house: TestInstallation) -> None:
    send_letter(house)
    house.clock.forward(seconds=90)
    send_letter(house)
    house.clock.forward(seconds=211)
    assert of(house, Gauge.UNDELIVERED_OLDEST_SECONDS) == 301
    assert of(house, Gauge.DELIVERY_LAG_SECONDS) == 301
    assert "DeliveryLate" in alarms(house)
    house.work()
    assert of(house, Gauge.UNDELIVERED_OLDEST_SECONDS) == of(house, Gauge.DELIVERY_LAG_SECONDS) == 0


def test_a_delivery_that_was_set_aside_is_undelivered_but_not_late(house: TestInstallation) -> None:
    send_letter(house)
    with house.installation.database.alone() as connection:
        connection.exec_driver_sql("DELETE FROM data_key")
    house.work()
    house.clock.forward(hours=5)
    assert of(house, Gauge.DELIVERIES_PARKED) == 1
    assert of(house, Gauge.DELIVERY_LAG_SECONDS) == 0
    assert of(house, Gauge.UNDELIVERED_OLDEST_SECONDS) == 5 * 3600
    assert {"DeliveryParked", "DocumentUndelivered"} <= alarms(house)


def test_a_deadline_that_nobody_tells_of_is_measured_from_its_warning(house: TestInstallation) -> None:
    deliver_letter(house)
    with house.installation.database.read() as connection:
        next_at = gauges.read_gauges(connection, house.clock()).next_deadline_at
    assert next_at is not None
    assert of(house, Gauge.DEADLINE_LAG_SECONDS) == 0
    house.clock.now = next_at + timedelta(seconds=601)
    house.renew_lists()
    assert 601 <= of(house, Gauge.DEADLINE_LAG_SECONDS) < 602
    assert "DeadlinesLate" in alarms(house)
    house.work()
    assert of(house, Gauge.DEADLINE_LAG_SECONDS) == 0


def test_a_log_entry_without_a_checkpoint_is_late_beyond_what_the_settings_allow(
    house: TestInstallation,
) -> None:
    house.work()
    house.clock.forward(days=1)  # an old checkpoint of a log that did not grow is no lag
    house.renew_lists()
    assert of(house, Gauge.CHECKPOINT_LAG_SECONDS) == 0
    send_letter(house)
    house.clock.forward(seconds=CHECKPOINT_SECONDS)
    assert of(house, Gauge.CHECKPOINT_LAG_SECONDS) == 0
    house.clock.forward(seconds=30)
    assert of(house, Gauge.CHECKPOINT_LAG_SECONDS) == 30
    house.clock.forward(seconds=571)
    assert "CheckpointLate" in alarms(house)
    house.work()
    assert of(house, Gauge.CHECKPOINT_LAG_SECONDS) == 0


def test_a_clock_behind_what_it_wrote_is_seen(house: TestInstallation) -> None:
    deliver_letter(house)
    assert of(house, Gauge.CLOCK_BEHIND_SECONDS) == 0
    house.clock.forward(seconds=-30)
    assert of(house, Gauge.CLOCK_BEHIND_SECONDS) == 30
    assert "ClockBehind" in alarms(house)


def test_a_revocation_list_is_measured_for_each_authority(house: TestInstallation) -> None:
    house.renew_lists()
    issuers = [house.pki.certificate(name).fingerprint[:16] for name in ("root", "issuing")]
    ages = {of: value for (gauge, of), value in measured(house).items() if gauge.name.endswith("AGE_SECONDS")}
    assert list(ages) == issuers
    assert set(ages.values()) <= {0, 1}
    house.clock.forward(hours=19)
    house.work()
    assert alarms(house) == {"RevocationListOld"}
    remaining = of(house, Gauge.REVOCATION_LIST_REMAINING_SECONDS, issuers[0])
    assert 4.9 * 3600 < remaining <= 5 * 3600
    house.clock.forward(hours=6)
    assert "RevocationListUnusable" in alarms(house)


def test_an_authority_without_any_list_is_as_late_as_can_be(house: TestInstallation) -> None:
    house.clock.forward(days=30)
    (house.folder / "root.crl").unlink()
    reopened = house.reopened()
    (reopened.folder / "root.crl").write_bytes(b"no list")
    root = house.pki.certificate("root").fingerprint[:16]
    assert of(reopened, Gauge.REVOCATION_LIST_AGE_SECONDS, root) == math.inf
    assert of(reopened, Gauge.REVOCATION_LIST_REMAINING_SECONDS, root) == -math.inf
    reopened.close()


def test_the_days_of_our_own_certificates_are_told_apart(house: TestInstallation) -> None:
    ends = {
        name: house.pki.certificate(holder).x509.not_valid_after_utc
        for name, holder in (("tls", "localhost"), ("seal", "gateway-seal"), ("message", "gateway-message"))
    }
    for name, end in ends.items():
        days = of(house, Gauge.CERTIFICATE_REMAINING_DAYS, name)
        assert days == pytest.approx((end - house.clock()) / timedelta(days=1))
    assert of(house, Gauge.CERTIFICATE_REMAINING_DAYS, "party_seal") > 30
    house.clock.now = min(ends.values()) - timedelta(days=6)
    assert {"CertificateEndsWithin60Days", "CertificateEndsWithin7Days"} <= alarms(house)


def test_an_own_certificate_that_was_revoked_is_not_usable(house: TestInstallation) -> None:
    assert of(house, Gauge.OWN_CERTIFICATE_USABLE, "seal") == 1
    house.clock.forward(minutes=1)
    house.renew_lists("gateway-seal")
    assert of(house, Gauge.OWN_CERTIFICATE_USABLE, "seal") == 0
    assert of(house, Gauge.OWN_CERTIFICATE_USABLE, "message") == 1
    assert "OwnCertificateUnusable" in alarms(house)


def test_a_partys_seal_that_is_gone_is_counted(house: TestInstallation) -> None:
    assert of(house, Gauge.PARTY_SEALS_MISSING) == 0
    assert seal_end(house.installation, MUNICIPALITY, house.clock()) is not None
    Path(house.folder / "keys" / f"{MUNICIPALITY}.seal.pem").unlink()
    assert of(house, Gauge.PARTY_SEALS_MISSING) == 1
    assert seal_end(house.installation, MUNICIPALITY, house.clock()) is None
    assert seal_end(house.installation, INSTITUTION, house.clock()) is not None
    assert "PartySealMissing" in alarms(house)


def test_a_store_that_is_away_is_a_reading_and_the_rest_is_measured_all_the_same(
    house: TestInstallation,
) -> None:
    with house.installation.database.alone() as connection:
        connection.exec_driver_sql("ALTER TABLE outbox RENAME TO away")
    found = measured(house)
    assert found[Gauge.STORE_UP, ""] == 0
    assert (Gauge.DELIVERY_LAG_SECONDS, "") not in found
    assert (Gauge.CERTIFICATE_REMAINING_DAYS, "tls") in found
    assert "StoreAway" in alarms(house)


def test_no_reading_names_a_document_or_a_party(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    labels = " ".join(of for _, of in measured(house))
    for secret in (document_id, MUNICIPALITY.cvr.text, MUNICIPALITY.unit, "Eksempelby", Uuid4.new().text):
        assert secret not in labels
