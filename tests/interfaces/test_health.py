"""Readiness tells whether a letter can be taken now; the process lives even when it cannot."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from gateway.domain.catalogue import Code
from gateway.domain.errors import UnavailableError
from gateway.interfaces import health
from gateway.interfaces.http import HttpRequest
from gateway.storage.database import Database
from gateway.xmlcore.namespaces import SERVICE, tag
from tests.installation import TestInstallation, open_test_installation
from tests.services.papers import paper, row_counts, send_letter, sending

ASK = HttpRequest("GET", "/health/ready", "", {}, b"")


@pytest.fixture
def house(tmp_path: Path) -> Generator[TestInstallation]:
    """An installation with two parties and their systems."""
    opened = open_test_installation(tmp_path)
    yield opened
    opened.close()


def _ready(house: TestInstallation) -> tuple[int, dict[str, bool]]:
    answer = health.Readiness(house.installation).ready(ASK)
    return answer.status, json.loads(answer.body)


def test_a_sound_installation_is_ready(house: TestInstallation) -> None:
    checks = (
        "ready",
        "store",
        "store_writable",
        "revocation_lists",
        "seal_certificate",
        "message_certificate",
        "outbox",
    )
    good = dict.fromkeys(checks, True)
    assert _ready(house) == (200, good)
    assert health.live(ASK).status == 200


@pytest.mark.parametrize("which", ["seal", "message"])
def test_an_installation_whose_own_certificate_is_revoked_is_not_ready_and_says_which(
    house: TestInstallation, which: str
) -> None:
    house.clock.forward(minutes=1)
    house.renew_lists(f"gateway-{which}")
    with structlog.testing.capture_logs() as logs:
        status, told = _ready(house)
        assert _ready(house) == (status, told)
    assert status == 503
    assert [name for name, good in told.items() if not good] == ["ready", f"{which}_certificate"]
    assert [(each["log_level"], each["which"], each["code"]) for each in logs] == [
        ("error", which, "CERTIFICATE_REVOKED")
    ]
    assert health.live(ASK).status == 200


def test_an_installation_whose_own_certificates_have_expired_is_not_ready(house: TestInstallation) -> None:
    house.clock.now = house.pki.certificate("gateway-seal").x509.not_valid_after_utc
    house.renew_lists()
    assert _ready(house)[0] == 200
    house.clock.forward(seconds=1)
    status, told = _ready(house)
    assert (status, told["seal_certificate"], told["message_certificate"]) == (503, False, False)


def test_an_installation_that_delivers_nothing_is_not_ready(house: TestInstallation) -> None:
    send_letter(house)
    house.clock.forward(seconds=health.LAG_MOST.total_seconds())
    assert _ready(house)[0] == 200
    house.clock.forward(seconds=1)
    status, told = _ready(house)
    assert (status, told["outbox"], told["ready"]) == (503, False, False)
    house.work()
    assert _ready(house)[0] == 200


def test_an_installation_whose_store_is_away_is_not_ready_but_lives(house: TestInstallation) -> None:
    with house.installation.database.alone() as connection:
        connection.exec_driver_sql("ALTER TABLE outbox RENAME TO away")
    status, told = _ready(house)
    assert (status, told["store"], told["outbox"]) == (503, False, False)
    assert health.live(ASK).status == 200


def test_a_busy_store_is_told_as_something_to_try_again_with_the_same_message(
    house: TestInstallation,
) -> None:
    impatient = Database.open(f"sqlite:///{house.folder / 'bropost.db'}", busy_seconds=1)
    installation = replace(house.installation, database=impatient)
    esdh = replace(house.esdh, endpoint=replace(house.esdh.endpoint, installation=installation))
    message = esdh.message(sending(paper(house.clock())))
    before = row_counts(house)
    with house.installation.database.alone():
        answer = esdh.send(message)
        with pytest.raises(UnavailableError) as busy, impatient.alone():
            pass
    assert busy.value.code is Code.BUSY
    assert (answer.fault_code, answer.is_signed) == ("BUSY", True)
    assert answer.payload.findtext(f".//{tag(SERVICE, 'Retryable')}") == "true"
    assert answer.payload.findtext(f".//{tag(SERVICE, 'RetryAfterSeconds')}") == "1"
    assert row_counts(house) == before
    assert esdh.send(message).fault_code is None
    impatient.close()
