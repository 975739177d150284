"""One of the two SOAP services: from a whole HTTP request to a whole, signed answer.

Unpack, verify, read, do, answer - each step gives a value of another type to the next, so none can be left out. What
goes wrong before the signature has held is answered unsigned and unrecorded; what goes wrong after is recorded as a
refusal and answered with a signed fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

import structlog
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, InternalError, TrustError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.mandate import Operation
from gateway.domain.operations import Answer, AnswerInfo, Service
from gateway.interfaces import faults
from gateway.interfaces.http import HttpAnswer, HttpRequest
from gateway.interfaces.metrics import Metrics
from gateway.protocol import soap, wsdl, wss
from gateway.protocol.acting_party import acting_party
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.service_answers import render_answer
from gateway.protocol.service_requests import read_request
from gateway.protocol.wss import Verified
from gateway.services import mailbox, parties, receipts, submission, timeline, withdrawal
from gateway.services.access import registered_certificates
from gateway.services.installation import Installation
from gateway.services.quotas import require_rate
from gateway.services.refusals import record_refusal
from gateway.xmlcore.namespaces import SERVICE

_log = structlog.get_logger(__name__)

_WORKFLOWS: Final[Mapping[Operation, Callable[[Installation, Verified, Any], Answer]]] = {
    Operation.SEND_LETTER: submission.submit,
    Operation.SEND_NOTICE: submission.submit,
    Operation.GET_STATUS: timeline.get_status,
    Operation.GET_EVIDENCE: timeline.get_evidence,
    Operation.LIST_EVENTS: timeline.list_events,
    Operation.LIST_INBOX: mailbox.list_inbox,
    Operation.RETRIEVE: mailbox.retrieve,
    Operation.CONFIRM_HANDOVER: receipts.confirm_handover,
    Operation.REGISTER_READ: receipts.register_read,
    Operation.WITHDRAW_DOCUMENT: withdrawal.withdraw_document,
    Operation.FIND_PARTY: parties.find_party,
    Operation.PING: parties.ping,
}


@dataclass(frozen=True)
class SoapEndpoint:
    """One service at one address; it counts what it answers and refuses."""

    service: Service
    address: str
    installation: Installation
    metrics: Metrics

    def serve(self, request: HttpRequest) -> HttpAnswer:
        """Answer a POST with the operation it asks for, a GET with the WSDL."""
        if request.method == "GET" and "wsdl" in parse_qs(request.query, keep_blank_values=True):
            return HttpAnswer(200, wsdl.MEDIA_TYPE, wsdl.wsdl(self.service, self.address))
        correlation = Uuid4.new()
        with self.metrics.timed(self.service):
            try:
                return self._answer(self._verified(request), correlation)
            except BropostError as error:
                return self.refuse(request, error, correlation)
            except Exception as error:
                return self.refuse(request, self._unexpected(error, correlation), correlation)

    def refuse(
        self, request: HttpRequest, error: BropostError, correlation: Uuid4 | None = None
    ) -> HttpAnswer:
        """Answer a request that was not verified: unsigned, for we do not know whom we answer."""
        correlation = correlation or Uuid4.new()
        self._tell(None, error, correlation)
        self.metrics.refused_unverified(self.service, error.code)
        version = faults.version_asked(request.headers.get("content-type", ""))
        element = faults.fault(version, error, faults.info(self.installation.environment, correlation))
        body = faults.unsigned(version, element)
        headers = {"Allow": "GET, POST"} if error.code is Code.HTTP_METHOD else {}  # RFC 9110 §15.5.6
        return HttpAnswer(faults.status(error), version.content_type, body, headers)

    def _verified(self, request: HttpRequest) -> Verified:
        if request.method != "POST":
            raise InputError(Code.HTTP_METHOD)
        content_type = request.headers.get("content-type", "")
        if not content_type.strip():
            raise InputError(Code.HTTP_CONTENT_TYPE)
        unpacked = soap.unpack(content_type, request.headers.get("soapaction"), request.body)
        at = self.installation.clock()
        self.installation.message_key.usable(at)  # nothing is done that could not be answered signed
        trust = self.installation.trust.current(at)
        # A list that is too old for new submissions still serves to read; sealing asks for a current one.
        return wss.verify(
            unpacked,
            trust.store,
            trust.revocations.for_reading(),
            at,
            registered=registered_certificates(self.installation),
        )

    def _answer(self, verified: Verified, correlation: Uuid4) -> HttpAnswer:
        """Do what a verified message asks, and sign what is answered."""
        acting = acting_party(verified)
        operation = _operation(verified)
        try:
            require_rate(self.installation, verified)
            if not soap.is_addressed_to(self.address, verified.to):
                raise TrustError(Code.ADDRESSING_OTHER_SERVICE)
            request = read_request(verified, self.service)
            answer = _WORKFLOWS[request.operation](self.installation, verified, request)
            info = AnswerInfo(
                correlation, verified.request_digest, self.installation.clock(), self.installation.environment
            )
            rendered = render_answer(answer, info, mtom=verified.is_mtom)
        except BropostError as error:
            return self._fault(verified, operation, acting, error, correlation)
        except Exception as error:
            ours = self._unexpected(error, correlation)
            return self._fault(verified, operation, acting, ours, correlation)
        _log.info("answered", operation=verified.operation, correlation=correlation.text)
        self.metrics.answered(self.service, request.operation)
        return self._signed(verified, 200, rendered.element, rendered.parts)

    def _fault(
        self,
        verified: Verified,
        operation: Operation | None,
        acting: PartyId | None,
        error: BropostError,
        correlation: Uuid4,
    ) -> HttpAnswer:
        """Record a refusal, and answer it with a signed fault."""
        self._tell(verified, error, correlation)
        try:
            rejection = record_refusal(self.installation, verified, operation, acting, error)
        except BropostError as second:  # a copy of the same message was faster, or the store is away
            self._tell(verified, second, correlation)
            error, rejection = second, None
        except Exception as second:
            error, rejection = self._unexpected(second, correlation), None
        self.metrics.refused(self.service, error.code)
        info = faults.info(self.installation.environment, correlation, verified.request_digest, rejection)
        element = faults.fault(verified.version, error, info)
        return self._signed(verified, faults.status(error), element, is_fault=True)

    def _signed(
        self,
        verified: Verified,
        status: int,
        element: etree._Element,
        parts: tuple[NewPart, ...] = (),
        *,
        is_fault: bool = False,
    ) -> HttpAnswer:
        version = verified.version
        headers: tuple[etree._Element, ...] = ()
        if verified.message_id is not None:
            ending = "/Fault" if is_fault else "Response"
            action = f"{SERVICE}/{verified.operation}{ending}"
            headers = soap.answer_addressing(action, verified.message_id, f"urn:uuid:{Uuid4.new()}")
        envelope = soap.envelope(version, element, headers)
        at = self.installation.clock()
        octets = wss.secure(envelope, self.installation.message_key.usable(at), at, attachments=parts)
        if not parts:
            return HttpAnswer(status, version.content_type, octets)
        built = build_related(octets, version.media_type, parts, mtom=verified.is_mtom)
        return HttpAnswer(status, built.content_type, built.body)

    def _unexpected(self, error: Exception, correlation: Uuid4) -> InternalError:
        """An error of ours: its kind and place go into our log, nothing of its text, which may quote content."""
        place = _innermost(error)
        _log.error("unexpected", kind=type(error).__name__, place=place, correlation=correlation.text)
        return InternalError(Code.INTERNAL)

    def _tell(self, verified: Verified | None, error: BropostError, correlation: Uuid4) -> None:
        operation = _operation(verified) if verified else None  # what a stranger calls it may be anything
        _log.warning(
            "refused",
            service=self.service.value,
            operation=operation.value if operation else None,
            code=error.code.name,
            correlation=correlation.text,
        )


def schema_endpoint(request: HttpRequest) -> HttpAnswer:
    """Serve the schemas that the WSDLs import, below .../xsd/."""
    name = request.path.partition(f"/{wsdl.RESOURCE_FOLDER}/")[2]
    try:
        return HttpAnswer(200, wsdl.MEDIA_TYPE, wsdl.resource(name))
    except LookupError:
        return HttpAnswer(404, "text/plain; charset=utf-8", b"No such schema.\n")


def _operation(verified: Verified) -> Operation | None:
    """The operation that the message names, if it is one of ours."""
    return next((each for each in Operation if each.value == verified.operation), None)


def _innermost(error: Exception) -> str:
    """File and line where the error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
