"""How many verdicts are kept, to the octet, and that none outlives any certificate of its path."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.crypto.certificates import Usage
from gateway.crypto.verdicts import Verdict, Verdicts
from tests.crypto.changed import SECOND, UNKNOWN, issue_changed, small_pki, verify


def another() -> Verdict:
    """A verdict on a fresh certificate; all take the same room."""
    return verify(issue_changed(extra=[(UNKNOWN, False)])).verdict


def kept_of(verdicts: tuple[Verdict, ...], most_octets: int) -> int:
    """How many of these are kept, each given twice."""
    kept = Verdicts(most_octets=most_octets)
    for verdict in verdicts * 2:
        kept.keep(verdict)
    return len(kept)


def test_verdicts_are_kept_up_to_the_octet() -> None:
    verdicts = (another(), another())
    octets = sum(verdict.octets for verdict in verdicts)
    assert octets == sum(len(verdict.path[0].der) for verdict in verdicts)
    assert kept_of(verdicts, octets) == 2
    assert kept_of(verdicts, octets - 1) == 1


def test_what_was_forgotten_takes_no_room() -> None:
    verdicts = (another(), another())
    kept = Verdicts(most_octets=sum(verdict.octets for verdict in verdicts))
    for _ in range(2):
        for verdict in verdicts:
            kept.keep(verdict)
        assert len(kept) == 2
        kept.clear()


def test_a_verdict_holds_where_every_authority_of_its_path_is_known_or_sent() -> None:
    pki = small_pki()
    trusted, (root,) = verify(pki.chain("leaf"), pki=pki).verdict, pki.roots
    leaf, issuing = trusted.path[0], trusted.path[1]
    alone = replace(trusted, trust=replace(trusted.trust, intermediates=()))
    assert trusted.holds([leaf], pki.at)
    assert not alone.holds([leaf], pki.at)
    assert alone.holds([leaf, issuing], pki.at)
    longer = replace(alone, path=(leaf, issuing, root, root))
    assert not longer.holds([leaf, issuing], pki.at)
    assert longer.holds([leaf, root, issuing], pki.at)
    assert replace(alone, path=(leaf, root)).holds([leaf], pki.at)


def test_a_verdict_holds_while_every_certificate_of_its_path_is_current() -> None:
    pki = small_pki("path_length = 0, days = [-9, 30]", "path_length = 0, days = [-9, 4]")
    kept, trust = Verdicts(), pki.trust_store()
    chain = pki.chain("leaf")
    kept.keep(verify(chain, pki=pki).verdict)
    end = pki.certificate("issuing").x509.not_valid_after_utc
    assert chain[0].is_current(end + timedelta(days=1))
    assert kept.find(chain, Usage.CONTENT, trust, end)
    assert kept.find(chain, Usage.CONTENT, trust, end + SECOND) is None
