"""The one fault detail of the two services: what a caller is told of an error, and what not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.domain.catalogue import Code, Family
from gateway.domain.errors import BropostError, TrustError, Violation
from gateway.domain.identifiers import Uuid4
from gateway.domain.operations import Environment
from gateway.protocol.service_elements import add, add_sentence, new, sub

VIOLATIONS_MOST: Final = 100
_LINE_MOST: Final = 2**31 - 1  # xs:int


@dataclass(frozen=True)
class FaultInfo:
    """What binds a fault to its request. Without a verified signature there is neither digest nor rejection."""

    correlation_id: Uuid4
    environment: Environment
    request_digest: bytes | None = None  # SHA-256 of the request's canonical SignedInfo
    submission_rejection: bytes | None = None  # the exact octets of the signed evidence of the refusal
    retry_after_seconds: int | None = None  # wins over what the error itself says


def disclosed(error: BropostError) -> BropostError:
    """Return the error as a caller may know it: MESSAGE_NOT_TRUSTED in place of one whose reason helps an attacker."""
    return error if error.code.row.disclosed else TrustError(Code.MESSAGE_NOT_TRUSTED)


def public_code(error: BropostError) -> str:
    """Return the code that the caller is told; for broken rules that of the first, e.g. RULE_H10."""
    told = disclosed(error)
    if told.code is Code.RULES_BROKEN and told.violations:
        return told.violations[0].code
    return told.code.name


def is_retryable(error: BropostError) -> bool:
    """Whether the same document may succeed later without any change by the caller."""
    return error.code.row.family is Family.UNAVAILABLE


def fault_detail(error: BropostError, info: FaultInfo) -> etree._Element:
    """Return the BropostFault element for the detail of a SOAP fault, in either version of SOAP."""
    told = disclosed(error)
    root = new("BropostFault")
    add(root, "Code", public_code(error))
    add(root, "CorrelationId", info.correlation_id)
    add(root, "Retryable", is_retryable(told))
    add(root, "RetryAfterSeconds", _retry_after(told, info))
    add(root, "RequestDigest", info.request_digest)
    add(root, "Environment", info.environment.value)
    for violation in told.violations[:VIOLATIONS_MOST]:
        _violation(root, violation)
    add_sentence(root, "Danish", told.danish)
    add_sentence(root, "English", told.english)
    add(root, "SubmissionRejection", info.submission_rejection)
    return root


def _retry_after(told: BropostError, info: FaultInfo) -> int | None:
    """How long to wait, in seconds, if it is any use to wait."""
    if not is_retryable(told):
        return None
    if info.retry_after_seconds is not None:
        return info.retry_after_seconds
    seconds = told.facts.get("seconds")
    return seconds if isinstance(seconds, int) else None


def _violation(root: etree._Element, violation: Violation) -> None:
    element = sub(root, "Violation")
    add(element, "Path", violation.path)
    add(element, "Line", min(violation.line, _LINE_MOST))
    add(element, "Code", violation.code)
    add_sentence(element, "Danish", violation.danish)
    add_sentence(element, "English", violation.english)
