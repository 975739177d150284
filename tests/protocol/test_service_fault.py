"""Every error of the catalogue has one form on the wire, in both versions of SOAP, and tells no more than it may."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.domain.catalogue import Code, Family
from gateway.domain.errors import (
    BropostError,
    InputError,
    InternalError,
    PeerError,
    TrustError,
    UnavailableError,
    Violation,
)
from gateway.domain.operations import Environment
from gateway.protocol.service_fault import FaultInfo, disclosed, fault_detail, is_retryable, public_code
from gateway.protocol.soap import FaultCode, SoapVersion, envelope, fault
from gateway.xmlcore.namespaces import SERVICE, tag
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import service_schema
from tests.protocol.service_samples import DIGEST, OTHER_ID

_FAMILIES: dict[Family, type[BropostError]] = {
    each.family: each for each in (InputError, TrustError, PeerError, UnavailableError, InternalError)
}
_INFO = FaultInfo(OTHER_ID, Environment.TEST, DIGEST, b"<rejection/>", 30)
_BROKEN = Violation("/Document/Header", 7, "RULE_H10", "Feltet må ikke videregives.", "It may not be shared.")


def _error(code: Code, violations: tuple[Violation, ...] = ()) -> BropostError:
    return _FAMILIES[code.row.family](code, violations=violations, seconds=5)


def _text(detail: etree._Element, name: str) -> str | None:
    return detail.findtext(tag(SERVICE, name))


@pytest.mark.parametrize("version", SoapVersion)
@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
def test_every_error_of_the_catalogue_is_a_valid_fault(code: Code, version: SoapVersion) -> None:
    error = _error(code, (_BROKEN,))
    soap_fault = fault(version, FaultCode.CLIENT, error.english, error.danish, fault_detail(error, _INFO))

    message = parse(etree.tostring(envelope(version, soap_fault), encoding="utf-8"))

    (detail,) = message.iter(tag(SERVICE, "BropostFault"))
    assert service_schema().validate(detail) == ()
    assert _text(detail, "CorrelationId") == str(OTHER_ID)


@pytest.mark.parametrize(
    "code", [code for code in Code if not code.row.disclosed], ids=lambda code: code.name
)
def test_a_reason_that_helps_an_attacker_is_not_told(code: Code) -> None:
    told = etree.tostring(fault_detail(_error(code, (_BROKEN,)), _INFO))
    plain = etree.tostring(fault_detail(TrustError(Code.MESSAGE_NOT_TRUSTED), _INFO))

    assert told == plain
    assert public_code(_error(code)) == "MESSAGE_NOT_TRUSTED"


def test_a_disclosed_error_is_told_as_it_is() -> None:
    error = _error(Code.ADDRESSING_UNSIGNED)

    assert disclosed(error) is error
    assert _text(fault_detail(error, _INFO), "Code") == "ADDRESSING_UNSIGNED"
    assert _text(fault_detail(error, _INFO), "Danish") == error.danish
    assert _text(fault_detail(error, _INFO), "English") == error.english


def test_broken_rules_are_told_by_the_code_of_the_first() -> None:
    second = Violation("/Document", 9, "RULE_X01", "Da", "En")
    detail = fault_detail(InputError(Code.RULES_BROKEN, violations=(_BROKEN, second), count=2), _INFO)

    assert _text(detail, "Code") == "RULE_H10"
    codes = [each.findtext(tag(SERVICE, "Code")) for each in detail.iter(tag(SERVICE, "Violation"))]
    assert codes == ["RULE_H10", "RULE_X01"]


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
def test_only_what_may_succeed_unchanged_is_retryable(code: Code) -> None:
    detail = fault_detail(_error(code), _INFO)

    assert is_retryable(_error(code)) == (code.row.family is Family.UNAVAILABLE)
    assert (_text(detail, "Retryable") == "true") == (code.row.family is Family.UNAVAILABLE)
    assert (_text(detail, "RetryAfterSeconds") is not None) == (code.row.family is Family.UNAVAILABLE)


def test_the_wait_is_that_of_the_error_unless_another_is_given() -> None:
    busy = UnavailableError(Code.BUSY, seconds=5)

    assert _text(fault_detail(busy, FaultInfo(OTHER_ID, Environment.TEST)), "RetryAfterSeconds") == "5"
    assert _text(fault_detail(busy, _INFO), "RetryAfterSeconds") == "30"


def test_a_fault_without_a_verified_signature_binds_to_nothing() -> None:
    detail = fault_detail(TrustError(Code.SECURITY_MISSING), FaultInfo(OTHER_ID, Environment.PRODUCTION))

    assert service_schema().validate(detail) == ()
    assert _text(detail, "RequestDigest") is None
    assert _text(detail, "SubmissionRejection") is None


def test_a_fault_stays_valid_however_much_is_wrong() -> None:
    endless = Violation("/Document", 2**40, "RULE_X01", "ø" * 5_000, "x" * 5_000)
    detail = fault_detail(InputError(Code.RULES_BROKEN, violations=(endless,) * 500, count=500), _INFO)

    assert len(list(detail.iter(tag(SERVICE, "Violation")))) == 100
    assert service_schema().validate(detail) == ()


def test_a_fact_with_control_characters_does_not_hide_the_fault() -> None:
    detail = fault_detail(InputError(Code.XML_FORBIDDEN, what="\x00\x1b[31m", line=1), _INFO)

    assert service_schema().validate(parse(etree.tostring(detail, encoding="utf-8"))) == ()
