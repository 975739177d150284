"""The one place where errors become answers: typed errors inside, SOAP faults in the catalogue's words outside."""

from __future__ import annotations

from typing import Final

from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import Uuid4
from gateway.domain.operations import Environment
from gateway.protocol import soap
from gateway.protocol.service_fault import FaultInfo, disclosed, fault_detail
from gateway.protocol.soap import SoapVersion

_HTTP_STATUS = {
    Code.HTTP_METHOD: 405,
    Code.HTTP_CONTENT_TYPE: 415,
    Code.HTTP_CONTENT_ENCODING: 415,
    Code.MESSAGE_TOO_LARGE: 413,
    Code.HTTP_HEADER_REPEATED: 400,
    Code.HTTP_BODY_SLOW: 408,
}
"""Errors that HTTP has a status of its own for."""
_FAULT: Final = 500
"""SOAP 1.1 §6.2. With SOAP 1.2 too, where a fault that blames the sender has 400 (SOAP 1.2 Part 2 table 20): CXF and
WCF read a fault at 500 only, and at 400 tell their caller nothing but the number."""


def info(
    environment: Environment,
    correlation: Uuid4,
    request_digest: bytes | None = None,
    rejection: bytes | None = None,
) -> FaultInfo:
    """Return what binds a fault to its request."""
    return FaultInfo(correlation, environment, request_digest, rejection)


def fault(version: SoapVersion, error: BropostError, told: FaultInfo) -> etree._Element:
    """Return the fault for the Body: what the caller may know of the error."""
    public = disclosed(error)
    detail = fault_detail(error, told)
    return soap.fault(version, soap.fault_code(public), public.english, public.danish, detail)


def status(error: BropostError) -> int:
    """Return the HTTP status that goes with the fault."""
    return _HTTP_STATUS.get(error.code, _FAULT)


def unsigned(version: SoapVersion, element: etree._Element) -> bytes:
    """Return the octets of an envelope without signature around a fault."""
    return etree.tostring(soap.envelope(version, element), encoding="UTF-8", xml_declaration=True)


def version_asked(content_type: str) -> SoapVersion:
    """Return the SOAP version to answer in where the message itself could not be read: 1.1 unless it asked for 1.2."""
    is_12 = "application/soap+xml" in content_type.lower()
    return SoapVersion.SOAP_12 if is_12 else SoapVersion.SOAP_11
