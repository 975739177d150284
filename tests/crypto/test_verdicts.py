"""Which verdicts on certificates are kept: those whose keys have signed, one for each, within bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.crypto.certificate import Certificate
from gateway.crypto.certificates import Usage, keep_verdict, verdicts, verify_certificate
from gateway.crypto.verdicts import Verdict, Verdicts
from gateway.domain.catalogue import Code
from tests.crypto.changed import UNKNOWN, issue_changed, refused, verify
from tests.pki import development_pki

PKI = development_pki()
TRUST = PKI.trust_store()
CHAIN = PKI.chain("eksempelby-kommune")


def verdict_on(chain: tuple[Certificate, ...], usage: Usage = Usage.CONTENT) -> Verdict:
    return verify(chain, usage).verdict


def test_a_verdict_is_not_kept_until_its_key_has_signed() -> None:
    verdicts.clear()
    trusted = verify(CHAIN)
    assert verdicts.find(CHAIN, Usage.CONTENT, TRUST, PKI.at) is None
    keep_verdict(trusted)
    assert verdicts.find(CHAIN, Usage.CONTENT, TRUST, PKI.at) is trusted.verdict
    assert verify(CHAIN).verdict is trusted.verdict


def test_whatever_is_sent_beside_a_certificate_there_is_one_verdict_on_it() -> None:
    kept = Verdicts()
    others = [PKI.certificate(name) for name in ("root", "proeveby-sis", "gateway-seal")]
    for chain in (CHAIN, CHAIN[:1], (*CHAIN, others[0]), (CHAIN[0], *others)):
        kept.keep(verdict_on(chain))
        assert len(kept) == 1
        assert kept.find(chain, Usage.CONTENT, TRUST, PKI.at)


def test_a_verdict_stands_for_its_usage_trust_store_and_time_alone() -> None:
    kept = Verdicts()
    kept.keep(verdict_on(CHAIN))
    assert kept.find(CHAIN, Usage.CONTENT, TRUST, PKI.at)
    assert kept.find(CHAIN, Usage.SEAL, TRUST, PKI.at) is None
    assert kept.find(CHAIN, Usage.CONTENT, replace(TRUST, policies=frozenset({"1.2.3"})), PKI.at) is None
    assert kept.find(CHAIN, Usage.CONTENT, TRUST, PKI.at + timedelta(days=40_000)) is None
    assert kept.find(PKI.chain("eksempelby-esdh"), Usage.CONTENT, TRUST, PKI.at) is None


def test_a_path_over_an_authority_that_was_sent_is_no_verdict_where_it_is_not_sent() -> None:
    verdicts.clear()
    trust = replace(TRUST, intermediates=())
    keep_verdict(verify_certificate(CHAIN, Usage.CONTENT, trust, PKI.revocations(), PKI.at))
    assert verdicts.find(CHAIN, Usage.CONTENT, trust, PKI.at)
    with refused(Code.CERTIFICATE_UNTRUSTED):
        verify_certificate(CHAIN[:1], Usage.CONTENT, trust, PKI.revocations(), PKI.at)


def test_what_was_used_least_lately_goes_first() -> None:
    kept = Verdicts(most=2)
    one, two, three = (PKI.chain(name) for name in ("eksempelby-kommune", "eksempelby-esdh", "proeveby-sis"))
    for chain in (one, two):
        kept.keep(verdict_on(chain))
    assert kept.find(one, Usage.CONTENT, TRUST, PKI.at)
    kept.keep(verdict_on(three))
    assert [bool(kept.find(chain, Usage.CONTENT, TRUST, PKI.at)) for chain in (one, two, three)] == [
        True,
        False,
        True,
    ]


def test_large_certificates_take_no_more_room_than_small_ones() -> None:

    chains = [issue_changed(extra=[(UNKNOWN, False)]) for _ in range(3)]
    octets = len(chains[0][0].der)
    kept = Verdicts(most_octets=2 * octets + 100)
    for chain in chains:
        kept.keep(verdict_on(chain))
        kept.keep(verdict_on(chain))
    assert [bool(kept.find(chain, Usage.CONTENT, TRUST, PKI.at)) for chain in chains] == [False, True, True]
    kept.clear()
    assert len(kept) == 0
