"""Certificates are replaced while everybody goes on calling: the new one is known before the old one ends."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from gateway.crypto import xades
from gateway.crypto.certificates import Certificate, Usage
from gateway.crypto.keys import SigningKey
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import Uuid4
from gateway.interfaces.http import HttpAnswer
from gateway.protocol import soap, wss
from gateway.services import certificate_changes as changes
from gateway.services.own_keys import NextKey, OwnKey
from gateway.storage import log, systems
from gateway.translog.leaf import parse_leaf
from gateway.xmlcore.namespaces import EVIDENCE, tag
from tests.installation import MUNICIPALITY, Answered, Caller, TestInstallation
from tests.pki import gateway_key, organisation, signing_key
from tests.services.papers import (
    accepted,
    grown,
    id_of,
    paper,
    request,
    row_counts,
    sending,
)

ESDH, NEW = "eksempelby-esdh", "eksempelby-esdh-p256"
HOUR = timedelta(hours=1)


@dataclass
class Watcher(Caller):
    """A system that notes who signed what it was answered."""

    signers: list[Certificate] = field(default_factory=list)

    def _checked(self, http: HttpAnswer) -> Answered:
        unpacked = soap.unpack(http.content_type, None, http.body)
        verified = wss.verify(
            unpacked, self.pki.trust_store(), self.pki.revocations(), self.clock(), usage=Usage.MESSAGE
        )
        assert verified.certificate.identity.cvr.text == "66666666"
        self.signers.append(verified.certificate.certificate)
        return Answered(http, verified.payload, True, {})


def watcher(house: TestInstallation, key: SigningKey) -> Watcher:
    known = house.esdh
    return Watcher(known.endpoint, key, known.clock, known.version, house.pki)


def new_leaf(house: TestInstallation) -> Certificate:
    return house.pki.certificate(NEW)


def system_id(house: TestInstallation) -> Uuid4:
    return house.systems[ESDH].id


def sealed(house: TestInstallation, octets: str) -> xades.VerifiedContent:
    """Evidence, verified as one does who has the certificates and lists of now."""
    pki = house.pki
    return xades.verify(
        base64.b64decode(octets), pki.trust_store(), pki.revocations(), house.clock(), usage=Usage.SEAL
    )


def own(house: TestInstallation, name: str, usage: Usage, takes_over: datetime) -> tuple[OwnKey, SigningKey]:
    """One of the gateway's keys, with one that takes over."""
    following = gateway_key(house.pki, 90)
    trust = house.installation.trust
    return OwnKey(
        name, signing_key(f"gateway-{name}"), usage, trust, NextKey(following, takes_over)
    ), following


def test_a_client_calls_through_every_change_without_one_refused_call(house: TestInstallation) -> None:
    start = house.clock()
    change = start + 12 * HOUR
    message, next_message = own(house, "message", Usage.MESSAGE, change)
    seal, next_seal = own(house, "seal", Usage.SEAL, change)
    house.installation = replace(house.installation, message_key=message, seal_key=seal)
    fresh = organisation(house.pki, "Eksempelby Kommune", "11111111", 90)
    changes.replace_seal_key(house.installation, MUNICIPALITY, fresh.key_pem, fresh.chain_pem, change)
    changes.replace_certificate(
        house.installation, system_id(house), new_leaf(house), start + 6 * HOUR, start + 18 * HOUR
    )
    signers, seals, contents = [], [], []
    for hour in range(24):
        key = signing_key(ESDH if hour < 12 else NEW)
        client = watcher(house, key)
        answer = client.call(sending(paper(house.clock())))
        assert (answer.fault_code, hour) == (None, hour)
        assert client.call(request("ListEvents", MUNICIPALITY)).fault_code is None
        signers += client.signers
        evidence = sealed(house, answer.text("SubmissionAcceptance"))
        named = evidence.root.findtext(f".//{tag(EVIDENCE, 'CertificateDigest')}") or ""
        assert base64.b64decode(named).hex() == evidence.certificate.certificate.fingerprint
        seals.append(evidence.certificate.certificate)
        house.clock.forward(hours=1)
        house.renew_lists()
    old = house.pki.certificate
    assert signers == [old("gateway-message")] * 24 + [next_message.chain[0]] * 24
    assert seals == [old("gateway-seal")] * 12 + [next_seal.chain[0]] * 12
    with house.installation.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT certificate_names FROM document ORDER BY key").all()
    contents = [names.split()[0] for (names,) in kept]
    assert contents == [contents[0]] * 12 + [contents[-1]] * 12
    assert contents[0] != contents[-1]


def test_in_the_overlap_a_system_is_known_by_both_certificates_and_then_by_the_new_one(
    house: TestInstallation,
) -> None:
    start = house.clock()
    changes.replace_certificate(
        house.installation, system_id(house), new_leaf(house), start + HOUR, start + 3 * HOUR
    )

    def known() -> tuple[bool, bool]:
        codes = [
            house.caller(name, house.esdh.endpoint.service).call(request("Ping", None)).fault_code
            for name in (ESDH, NEW)
        ]
        assert set(codes) <= {None, "SYSTEM_UNKNOWN"}
        return codes[0] is None, codes[1] is None

    found = []
    for _ in range(5):
        found.append(known())
        house.clock.forward(hours=1)
    assert found == [(True, False), (True, True), (True, True), (False, True), (False, True)]


def test_a_change_of_certificate_stands_in_the_log_of_the_party(house: TestInstallation) -> None:
    before = row_counts(house)
    until = house.clock() + HOUR
    changes.replace_certificate(house.installation, system_id(house), new_leaf(house), None, until)
    assert grown(before, row_counts(house)) == {"system_certificate": 1, "log_entry": 1}
    old = house.pki.certificate(ESDH).fingerprint
    assert newest_details(house) == (
        "CERTIFICATE_REPLACED",
        f"system.{system_id(house)}",
        new_leaf(house).fingerprint,
        old,
    )


def newest_details(house: TestInstallation) -> tuple[str, ...]:
    with house.installation.database.read() as connection:
        head = log.log_head(connection, MUNICIPALITY)
        assert head is not None
        (entry,) = log.entries(connection, MUNICIPALITY, head.size - 1, 1)
    return parse_leaf(entry.octets).details


def _ends_before_it_begins(house: TestInstallation) -> None:
    at = house.clock()
    changes.replace_certificate(
        house.installation, system_id(house), new_leaf(house), at + 2 * HOUR, at + HOUR
    )


def _after_the_old_one_ended_by_itself(house: TestInstallation) -> None:
    end = house.pki.certificate(ESDH).x509.not_valid_after_utc
    certificate = organisation(house.pki, "Eksempelby Kommune", "11111111", 3000).certificate
    changes.replace_certificate(house.installation, system_id(house), certificate, end + HOUR, None)


def _in_the_past(house: TestInstallation) -> None:
    changes.replace_certificate(
        house.installation, system_id(house), new_leaf(house), house.clock() - HOUR, None
    )


def _of_another(house: TestInstallation) -> None:
    certificate = organisation(house.pki, "Prøvelund Kommune", "33333333", 90).certificate
    changes.replace_certificate(house.installation, system_id(house), certificate, None, None)


def _again(house: TestInstallation) -> None:
    certificate = house.pki.certificate(ESDH)
    changes.replace_certificate(house.installation, system_id(house), certificate, None, None)


def _nobodys(house: TestInstallation) -> None:
    changes.replace_certificate(house.installation, Uuid4.new(), new_leaf(house), None, None)


def _revoked(house: TestInstallation) -> None:
    certificate = house.pki.certificate("bad-revoked")
    changes.replace_certificate(house.installation, system_id(house), certificate, None, None)


def _seal(house: TestInstallation, cvr: str, takes_over: datetime) -> None:
    fresh = organisation(house.pki, "Eksempelby Kommune", cvr, 90)
    changes.replace_seal_key(house.installation, MUNICIPALITY, fresh.key_pem, fresh.chain_pem, takes_over)


def _seal_of_another(house: TestInstallation) -> None:
    _seal(house, "33333333", house.clock() + HOUR)


def _seal_too_late(house: TestInstallation) -> None:
    _seal(house, "11111111", house.clock() + timedelta(days=91))


def _seal_too_early(house: TestInstallation) -> None:
    _seal(house, "11111111", house.clock() - HOUR)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_ends_before_it_begins, Code.ARGUMENT_INVALID),
        (_after_the_old_one_ended_by_itself, Code.ARGUMENT_INVALID),
        (_in_the_past, Code.ARGUMENT_INVALID),
        (_of_another, Code.CERTIFICATE_OF_ANOTHER),
        (_again, Code.ALREADY_REGISTERED),
        (_nobodys, Code.NOT_FOUND),
        (_revoked, Code.CERTIFICATE_REVOKED),
        (_seal_of_another, Code.SEAL_KEY_OF_ANOTHER),
        (_seal_too_late, Code.ARGUMENT_INVALID),
        (_seal_too_early, Code.ARGUMENT_INVALID),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_change_that_would_leave_a_gap_or_is_anothers_changes_nothing(
    house: TestInstallation, change: object, code: Code
) -> None:
    before = row_counts(house)
    with pytest.raises(BropostError) as refused:
        change(house)  # type: ignore[operator]
    assert refused.value.code is code
    assert grown(before, row_counts(house)) == {}
    assert house.installation.keys.next_seal_key(MUNICIPALITY, house.clock()) is None
    accepted(house.esdh, request("Ping", None))


def test_what_was_sealed_before_a_change_stays_verifiable_after_it(house: TestInstallation) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    change = house.clock() + HOUR
    seal, _ = own(house, "seal", Usage.SEAL, change)
    house.installation = replace(house.installation, seal_key=seal)
    _seal(house, "11111111", change)
    house.clock.forward(hours=2)
    house.renew_lists()
    answer = accepted(house.esdh, request("GetEvidence", MUNICIPALITY, DocumentId=id_of(letter)))
    first = sealed(house, answer.texts("Evidence/Content")[0])
    assert first.certificate.certificate == house.pki.certificate("gateway-seal")


def test_the_logs_are_told_of_a_new_key_of_the_gateway_once(house: TestInstallation) -> None:
    changes.announce_own_keys(house.installation)
    before = row_counts(house)
    changes.announce_own_keys(house.installation)
    assert grown(before, row_counts(house)) == {}
    seal, following = own(house, "seal", Usage.SEAL, house.clock() + HOUR)
    changed = replace(house.installation, seal_key=seal)
    for _ in range(2):
        changes.announce_own_keys(changed)
    assert grown(before, row_counts(house)) == {"log_entry": 4}  # one a party
    assert newest_details(house) == ("GATEWAY_SEAL", following.chain[0].fingerprint)


def test_a_system_whose_last_certificate_ends_soon_is_told(house: TestInstallation) -> None:
    ends = {system.id: end for system, end in changes.last_ends(house.installation)}
    assert ends[system_id(house)] == house.pki.certificate(ESDH).x509.not_valid_after_utc
    until = house.clock() + timedelta(days=5)
    changes.replace_certificate(
        house.installation,
        system_id(house),
        organisation(house.pki, "Eksempelby Kommune", "11111111", 20).certificate,
        None,
        until,
    )
    (end,) = [end for system, end in changes.last_ends(house.installation) if system.id == system_id(house)]
    assert end - house.pki.at < timedelta(days=21)
    assert end > until


def test_a_certificate_may_count_from_the_moment_at_which_the_old_one_ends_by_itself(
    house: TestInstallation,
) -> None:
    end = house.pki.certificate(ESDH).x509.not_valid_after_utc
    following = organisation(house.pki, "Eksempelby Kommune", "11111111", 3000).certificate
    changes.replace_certificate(house.installation, system_id(house), following, end, None)
    ends = {system.id: until for system, until in changes.last_ends(house.installation)}
    assert ends[system_id(house)] == following.x509.not_valid_after_utc


def test_a_gap_that_is_there_is_told_as_the_end_and_may_be_closed(house: TestInstallation) -> None:
    start, gap = house.clock(), house.clock() + 2 * HOUR
    changes.replace_certificate(house.installation, system_id(house), new_leaf(house), start + HOUR, None)
    with house.installation.database.alone() as connection:  # as a gateway of an earlier version let it be
        systems.end_certificate(connection, house.pki.certificate(ESDH).fingerprint, gap)
        systems.end_certificate(connection, new_leaf(house).fingerprint, gap)
        late = organisation(house.pki, "Eksempelby Kommune", "11111111", 90).certificate
        systems.add_certificate(connection, system_id(house), late.der, gap + HOUR, None)

    def end() -> list[datetime]:
        found = changes.last_ends(house.installation)
        return [until for system, until in found if system.id == system_id(house)]

    assert end() == [gap]
    house.clock.now = gap + HOUR / 2
    assert end() == [house.clock()]
    closing = organisation(house.pki, "Eksempelby Kommune", "11111111", 60).certificate
    changes.replace_certificate(house.installation, system_id(house), closing, None, None)
    assert end() == []


def test_the_end_of_a_key_is_that_of_the_last_in_line_unless_there_is_a_gap(house: TestInstallation) -> None:
    first, second = gateway_key(house.pki, 10), gateway_key(house.pki, 90)

    def end(takes_over_day: int) -> int:
        following = NextKey(second, house.pki.at + timedelta(days=takes_over_day))
        key = OwnKey("seal", first, Usage.SEAL, house.installation.trust, following)
        return round((key.not_after - house.pki.at) / timedelta(days=1))

    assert end(9) == 90
    assert end(11) == 10


def test_a_key_that_took_over_is_judged_by_itself(house: TestInstallation) -> None:
    takes_over = house.clock() + HOUR
    seal, _ = own(house, "seal", Usage.SEAL, takes_over)
    house.clock.forward(minutes=1)
    house.renew_lists("gateway-seal")
    assert seal.trouble(house.clock()) is Code.CERTIFICATE_REVOKED
    assert seal.trouble(takes_over) is None
    with pytest.raises(BropostError):
        seal.usable(house.clock())
    assert isinstance(seal.usable(takes_over), SigningKey)
