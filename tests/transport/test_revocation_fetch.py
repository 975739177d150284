"""A fetched list is believed, kept and asked for again as it should; whatever fails leaves what is at hand."""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from gateway.crypto import development_issuing as issuing
from gateway.crypto.development_pki import DevelopmentPki, issue_list
from gateway.crypto.revocation import SKEW
from gateway.domain.catalogue import Code
from gateway.transport import http_get
from gateway.transport.http_get import HttpLimits
from gateway.transport.revocation_fetch import LEAST_PAUSE, Fetched, Outcome, RevocationFetch, list_files
from gateway.transport.trust_files import TrustFiles
from tests.pki import development_pki
from tests.transport.list_server import Answer, ListServer, drips, says, serving

EVERY = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def authority() -> Generator[ListServer]:
    """Where the issuing authority publishes its list."""
    with serving() as served:
        served.body = pki().lists["issuing"]
        yield served


def pki() -> DevelopmentPki:
    return development_pki()


def fetching(folder: Path, *urls: str, seconds: float = 5, most: int = 1_000_000) -> RevocationFetch:
    return RevocationFetch(urls, folder, pki().trust_store(), HttpLimits(most, seconds), EVERY)


def made(at: datetime, *revoked: str) -> bytes:
    return issue_list(pki(), "issuing", at, {pki().certificate(name): at for name in revoked})


def file_of(folder: Path, issuer: str = "issuing") -> Path:
    names = [*pki().declaration.trusted_roots, *pki().declaration.trusted_intermediates]
    return list_files(folder, pki().trust_store())[names.index(issuer)]


def code(fetched: tuple[Fetched, ...]) -> tuple[Outcome, Code | None, object]:
    (one,) = fetched
    return (
        one.outcome,
        one.error.code if one.error else None,
        one.error.facts.get("what") if one.error else None,
    )


RENEWED = (Outcome.RENEWED, None, None)
UNCHANGED = (Outcome.UNCHANGED, None, None)


def test_a_fetched_list_is_what_certificates_are_judged_by(tmp_path: Path, authority: ListServer) -> None:
    at = pki().at + timedelta(minutes=1)
    trust = TrustFiles(pki().trust_store(), list_files(tmp_path, pki().trust_store()), look_seconds=0)
    assert code(fetching(tmp_path, authority.url).refresh(at)) == RENEWED
    leaf, issuer = pki().certificate("eksempelby-esdh"), pki().certificate("issuing")
    assert trust.current(at).revocations.status(leaf, issuer, at).name == "GOOD"
    authority.body, authority.etag = made(at, "eksempelby-esdh"), '"2"'
    assert code(fetching(tmp_path, authority.url).refresh(at)) == RENEWED
    assert trust.current(at).revocations.status(leaf, issuer, at).name == "REVOKED"


def test_only_the_address_in_the_settings_is_asked(tmp_path: Path, authority: ListServer) -> None:
    fetching(tmp_path, authority.url).refresh(pki().at)
    assert [path for path, _ in authority.asked] == ["/issuing.crl"]


def test_an_unchanged_list_is_not_sent_again(tmp_path: Path, authority: ListServer) -> None:
    fetch = fetching(tmp_path, authority.url)
    assert code(fetch.refresh(pki().at)) == RENEWED
    assert code(fetch.refresh(pki().at + EVERY)) == UNCHANGED
    assert [headers.get("If-None-Match") for _, headers in authority.asked] == [None, '"1"']


def test_a_list_that_was_lost_meanwhile_is_asked_for_anew(tmp_path: Path, authority: ListServer) -> None:
    fetch = fetching(tmp_path, authority.url)
    fetch.refresh(pki().at)
    file_of(tmp_path).unlink()
    assert code(fetch.refresh(pki().at + EVERY)) == RENEWED
    assert file_of(tmp_path).read_bytes() == authority.body


# --- what is not kept ------------------------------------------------------------------------------------------


def _older_number(at: datetime) -> bytes:
    """A list of a later time with a smaller number."""
    issuer = pki().holders["issuing"].issuer()
    builder = x509.CertificateRevocationListBuilder(issuer.name, at + SECOND, at + timedelta(hours=48))
    signed = builder.add_extension(x509.CRLNumber(1), critical=False).sign(issuer.key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(lambda at: b"<html>Vedligeholdelse</html>", "not readable", id="no-list"),
        pytest.param(lambda at: b"", "not readable", id="empty"),
        pytest.param(lambda at: pki().lists["impostor"], "signature", id="forged"),
        pytest.param(lambda at: made(at + SECOND)[:-1] + b"\0", "signature", id="altered"),
        pytest.param(lambda at: made(at - timedelta(days=1)), "older than the list at hand", id="older"),
        pytest.param(_older_number, "older than the list at hand", id="of-a-smaller-number"),
        pytest.param(lambda at: made(at + SKEW + 2 * SECOND), "a time that lies ahead", id="of-the-future"),
    ],
)
def test_a_list_that_is_not_the_authoritys_newest_leaves_the_one_at_hand(
    tmp_path: Path, authority: ListServer, body: object, why: str
) -> None:
    at = pki().at
    fetching(tmp_path, authority.url).refresh(at)
    authority.body = body(at)  # type: ignore[operator]
    assert code(fetching(tmp_path, authority.url).refresh(at)) == (
        Outcome.FAILED,
        Code.REVOCATION_LIST_UNTRUSTED,
        why,
    )
    assert file_of(tmp_path).read_bytes() == pki().lists["issuing"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", file_of(tmp_path).name]


def test_another_authoritys_list_at_an_address_takes_nobodys_place(
    tmp_path: Path, authority: ListServer
) -> None:
    fetching(tmp_path, authority.url).refresh(pki().at)
    authority.body = pki().lists["root"]
    assert code(fetching(tmp_path, authority.url).refresh(pki().at)) == RENEWED
    assert file_of(tmp_path).read_bytes() == pki().lists["issuing"]
    assert file_of(tmp_path, "root").read_bytes() == pki().lists["root"]


# --- what is no answer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(says(404), "HTTP status 404", id="not-found"),
        pytest.param(says(500), "HTTP status 500", id="failing"),
        pytest.param(says(304), "HTTP status 304", id="unasked-304"),
        pytest.param(says(200, b"\0" * 1001), "an answer that is too large", id="too-large"),
        pytest.param(
            says(200, Content_Length="1001"), "an answer that is too large", id="announced-too-large"
        ),
        pytest.param(says(200, b"\0", Content_Length="2"), "an answer that is cut off", id="cut-off"),
        pytest.param(says(200, b"\0", Content_Encoding="gzip"), "a compressed answer", id="compressed"),
        pytest.param(says(302, Location="http://127.0.0.2/x"), "a redirect to another host", id="elsewhere"),
        pytest.param(says(302, Location="file:///etc/passwd"), "a redirect to another host", id="a-file"),
        pytest.param(says(302, Location="/again"), "too many redirects", id="in-circles"),
        pytest.param(says(302, Location="http://[x"), "ValueError", id="to-no-address"),
        pytest.param(
            says(302, Location="http://127.0.0.1:x/y"), "a redirect to another host", id="to-no-port"
        ),
        pytest.param(drips(head=True), "no whole answer in time", id="dripping-head"),
        pytest.param(drips(head=False), "no whole answer in time", id="dripping-body"),
    ],
)
def test_a_bad_answer_is_told_and_leaves_the_list_at_hand(
    tmp_path: Path, authority: ListServer, answer: Answer, why: str
) -> None:
    fetching(tmp_path, authority.url).refresh(pki().at)
    authority.answer = answer
    began = time.monotonic()
    fetched = fetching(tmp_path, authority.url, seconds=0.4, most=1000).refresh(pki().at)
    assert code(fetched) == (Outcome.FAILED, Code.FETCH_FAILED, why)
    assert time.monotonic() - began < 5
    assert file_of(tmp_path).read_bytes() == pki().lists["issuing"]


def _breaks(*_: str) -> str:
    raise RuntimeError


@pytest.mark.parametrize("why", ["ValueError", "RuntimeError"])
def test_whatever_one_address_does_the_others_are_asked_and_its_failures_counted(
    tmp_path: Path, authority: ListServer, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    with serving() as bad:
        bad.answer = says(302, Location="http://[x")
        if why == "RuntimeError":  # which nothing foresees
            monkeypatch.setattr(http_get, "urljoin", _breaks)
        fetch = fetching(tmp_path, bad.url, authority.url)
        for failures in (1, 2):
            fetched = fetch.refresh(pki().at + failures * EVERY)
            assert code(fetched[:1]) == (Outcome.FAILED, Code.FETCH_FAILED, why)
            assert fetched[1].outcome is not Outcome.FAILED
            assert fetch.failures == failures


def test_a_redirect_within_the_host_is_followed(tmp_path: Path, authority: ListServer) -> None:
    def moved(request: BaseHTTPRequestHandler) -> None:
        if request.path == "/issuing.crl":
            says(301, Location="/new/issuing.crl")(request)
        else:
            says(200, authority.body)(request)

    authority.answer = moved
    assert code(fetching(tmp_path, authority.url).refresh(pki().at)) == RENEWED
    assert [path for path, _ in authority.asked] == ["/issuing.crl", "/new/issuing.crl"]


def test_an_address_where_nobody_answers_is_a_failure(tmp_path: Path) -> None:
    fetched = fetching(tmp_path, "http://127.0.0.1:1/x.crl").refresh(pki().at)
    assert code(fetched) == (Outcome.FAILED, Code.FETCH_FAILED, "ConnectionRefusedError")


def test_a_proxy_in_the_environment_is_not_asked(
    tmp_path: Path, authority: ListServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert code(fetching(tmp_path, authority.url).refresh(pki().at)) == RENEWED


# --- when --------------------------------------------------------------------------------------------------------


def test_an_address_is_asked_at_its_time_and_not_before(tmp_path: Path, authority: ListServer) -> None:
    at, fetch = pki().at, fetching(tmp_path, authority.url)
    assert len(fetch.refresh(at)) == 1
    assert fetch.refresh(at + EVERY - SECOND) == ()
    assert len(fetch.refresh(at + EVERY)) == 1
    assert len(fetch.refresh(at + EVERY, all_of_them=True)) == 1
    assert len(fetch.refresh(at - timedelta(days=365))) == 1  # the clock was set right


def test_a_list_that_ends_soon_is_renewed_before_its_end(tmp_path: Path, authority: ListServer) -> None:
    at, fetch = pki().at, fetching(tmp_path, authority.url)
    holder = pki().holders["issuing"].issuer()
    authority.body = issuing.sign_list(holder, at, at + timedelta(minutes=40), {})
    fetch.refresh(at)
    assert fetch.refresh(at + timedelta(minutes=19)) == ()
    assert len(fetch.refresh(at + timedelta(minutes=20))) == 1
    assert fetch.refresh(at + timedelta(minutes=20) + LEAST_PAUSE - SECOND) == ()


def test_a_failing_address_is_asked_after_growing_pauses(tmp_path: Path, authority: ListServer) -> None:
    at, fetch = pki().at, fetching(tmp_path, authority.url)
    authority.answer = says(500)
    asked = []
    for minute in range(150):
        if fetch.refresh(at + timedelta(minutes=minute)):
            asked.append(minute)
    assert asked == [0, 1, 3, 7, 15, 31, 63, 123]
    assert fetch.failures == 8
    authority.answer = None
    fetch.refresh(at + timedelta(minutes=183))
    assert fetch.failures == 0


def test_one_failing_address_keeps_no_other_from_its_list(tmp_path: Path, authority: ListServer) -> None:
    fetched = fetching(tmp_path, "http://127.0.0.1:1/x.crl", authority.url).refresh(pki().at)
    assert [one.outcome for one in fetched] == [Outcome.FAILED, Outcome.RENEWED]
