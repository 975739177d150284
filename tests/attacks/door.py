"""The door: one attack at a time on a whole installation, judged by what is answered and by what is left behind.

A good message passes first. The attack is that message with one change: it must be refused by the guard and with the
code that its case names, tell nothing that helps, leave behind exactly what it may, cost little - and a good message
must pass after it.
"""

from __future__ import annotations

import base64
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.app import SERVICE_PATHS
from gateway.crypto.certificates import Usage
from gateway.domain.catalogue import Code, Family
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import Uuid4
from gateway.domain.operations import Service
from gateway.interfaces.http import HttpAnswer, HttpRequest
from gateway.interfaces.metrics import Metrics
from gateway.interfaces.soap_endpoint import SoapEndpoint
from gateway.protocol import soap, wss
from gateway.protocol.soap import SoapVersion
from gateway.protocol.wss import Verified
from gateway.xmlcore.namespaces import SERVICE, tag
from tests.installation import INSTITUTION, MUNICIPALITY, TestInstallation
from tests.services.papers import PERSONAL, grown, row_counts

ADDRESS: Final = "https://localhost:8443"
FORGED: Final = "Forfalsket"  # what an attack puts into a message; never to be found in an answer
CPU_SECONDS: Final = 2.0  # a letter takes 0.02, and 12 MB of XML that are parsed before they are refused 0.3
MEMORY_LEAST: Final = 48_000_000  # of one request with all that the process takes and gives back meanwhile
MEMORY_FACTOR: Final = 10  # libxml2 takes six times the octets of a tree of small elements

# Failures of trust that a caller may know, because only he can mend them; all others are MESSAGE_NOT_TRUSTED to him.
TOLD: Final = frozenset(
    {
        Code.ADDRESSING_OTHER_SERVICE,
        Code.ADDRESSING_UNSIGNED,
        Code.ATTACHMENT_UNSIGNED,
        Code.MANDATE_MISSING,
        Code.MESSAGE_REPLAYED,
        Code.SECURITY_MISSING,
        Code.SIGNATURE_ALGORITHM,
        Code.SYSTEM_UNKNOWN,
        Code.TIMESTAMP_OUTSIDE,
    }
)
_UNIFORM: Final = {"Code", "CorrelationId", "Retryable", "Environment", "Danish", "English"}
_BINDING: Final = {
    "RequestDigest",
    "SubmissionRejection",
}  # beside these, where the message's own signature held
_BLAMES_THE_CLIENT: Final = {"soap:Client", "soap:Sender", "soap:MustUnderstand", "soap:VersionMismatch"}


class Left(Enum):
    """What a refused request leaves in the store."""

    NOTHING = "nothing, and the answer is unsigned: its signature did not hold"
    ANSWER = "nothing, but the answer is signed: its signature held, but counts for nobody or counted before"
    RECORD = "the record of a refusal"
    EVIDENCE = "the record of a refusal with its evidence, which stands in the municipality's log"

    @property
    def rows(self) -> dict[str, int]:
        """By how many rows which tables grow."""
        if self in (Left.NOTHING, Left.ANSWER):
            return {}
        record = {"refusal": 1, "replay": 1}
        return record if self is Left.RECORD else {**record, "log_entry": 1, "opening": 1}


Make = Callable[["Door"], HttpRequest]


@dataclass(frozen=True)
class Case:
    """One attack: the good message, the bad one made of it, and how it must be refused."""

    name: str
    guard: str  # what refuses it, "module:qualified name" below gateway
    clause: str  # the rule that it breaks
    code: Code  # why, as our own log tells it
    good: Make
    bad: Make
    left: Left = Left.NOTHING
    status: int = 500
    broken: str = ""  # for RULES_BROKEN, the rule that the caller is told
    seen_by: str = ""  # what words the refusal, where that is another than the guard

    def __str__(self) -> str:
        return self.name

    @property
    def told(self) -> str:
        """The code that the caller is told."""
        if self.code.row.family is Family.TRUST and self.code not in TOLD:
            return Code.MESSAGE_NOT_TRUSTED.name
        return self.broken or self.code.name


@dataclass(frozen=True)
class Answer:
    """An answer as it came, and the error behind it."""

    http: HttpAnswer
    payload: etree._Element
    is_signed: bool
    error: BropostError | None

    def text(self, path: str) -> str | None:
        """The text of a service element in a fault."""
        found = self.payload.find(f".//{tag(SERVICE, 'BropostFault')}")
        return None if found is None else found.findtext(tag(SERVICE, path))


@dataclass(frozen=True)
class Listening(SoapEndpoint):
    """A service that lets a test hear why it refuses."""

    heard: list[BropostError] = field(default_factory=list)

    def _tell(self, verified: Verified | None, error: BropostError, correlation: Uuid4) -> None:
        super()._tell(verified, error, correlation)
        self.heard.append(error)


@dataclass
class Door:
    """An installation and whoever stands before it."""

    house: TestInstallation
    metrics: Metrics = field(default_factory=Metrics)
    heard: list[BropostError] = field(default_factory=list)

    def endpoint(self, path: str) -> Listening:
        """The service at a path."""
        service = next(each for each, own in SERVICE_PATHS.items() if own == path)
        return Listening(service, ADDRESS + path, self.house.installation, self.metrics, self.heard)

    def post(
        self,
        octets: bytes,
        content_type: str = SoapVersion.SOAP_11.content_type,
        service: Service = Service.MUNICIPALITY,
        **headers: str,
    ) -> HttpRequest:
        """A request with these octets."""
        return HttpRequest(
            "POST", SERVICE_PATHS[service], "", {"content-type": content_type, **headers}, octets
        )

    def ask(self, request: HttpRequest) -> Answer:
        """The answer; a signed one was checked to be the gateway's."""
        self.heard.clear()
        http = self.endpoint(request.path).serve(request)
        unpacked = soap.unpack(http.content_type, None, http.body)
        error = self.heard[-1] if self.heard else None
        if unpacked.security is None:
            return Answer(http, unpacked.payload, False, error)
        pki = self.house.pki
        verified = wss.verify(
            unpacked, pki.trust_store(), pki.revocations(), self.house.clock(), usage=Usage.MESSAGE
        )
        assert verified.certificate.certificate == pki.certificate("gateway-message")
        return Answer(http, verified.payload, True, error)

    def passes(self, request: HttpRequest) -> None:
        """State that a message is accepted."""
        answer = self.ask(request)
        assert answer.error is None, answer.error
        assert (answer.http.status, answer.is_signed) == (200, True)

    def withstands(self, case: Case) -> None:
        """State everything that a case states."""
        self.passes(case.good(self))
        request = case.bad(self)
        before, size, files = row_counts(self.house), self.log_sizes(), self.files()
        with Cost(len(request.body)):
            answer = self.ask(request)
        assert answer.error is not None, "the attack passed"
        assert (answer.error.code, guard_of(answer.error)) == (case.code, case.seen_by or case.guard)
        assert grown(before, row_counts(self.house)) == case.left.rows
        assert self.log_sizes() == (size[0] + case.left.rows.get("log_entry", 0), size[1])
        assert self.files() == files
        require_told(case, answer)
        self.passes(case.good(self))

    def refusal(self, case: Case) -> Code | None:
        """With what the attack of a case is refused, or None if it passes; nothing is stated."""
        error = self.ask(case.bad(self)).error
        return None if error is None else error.code

    def log_sizes(self) -> tuple[int, int]:
        """How many entries the logs of municipality and school hold."""
        with self.house.installation.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT party, size FROM log").all()
        sizes = {party: size for party, size in rows}  # noqa: C416  rows are no pairs to mypy
        return sizes[str(MUNICIPALITY)], sizes[str(INSTITUTION)]

    def files(self) -> int:
        """How many files lie in the store."""
        return sum(path.is_file() for path in (self.house.folder / "blobs").rglob("*"))


@dataclass
class Cost:
    """The block, which must cost no more than a request of this size may."""

    octets: int
    began: float = 0.0
    at_first: int = 0

    def __enter__(self) -> None:
        with suppress(
            OSError
        ):  # Linux: the peak begins anew; elsewhere only a new peak of the process is seen
            Path("/proc/self/clear_refs").write_text("5", "ascii")
        self.at_first, self.began = _peak(), time.process_time()

    def __exit__(self, *failed: object) -> None:
        if failed[0] is None:
            assert time.process_time() - self.began < CPU_SECONDS
            assert _peak() - self.at_first < MEMORY_LEAST + MEMORY_FACTOR * self.octets


def require_told(case: Case, answer: Answer) -> None:
    """State that a fault blames the client, tells the code and no more than it may."""
    assert answer.http.status == case.status
    assert answer.is_signed == (case.left is not Left.NOTHING)
    assert answer.text("Code") == case.told
    names = (
        "faultcode",
        f"{tag(SoapVersion.SOAP_12.value, 'Code')}/{tag(SoapVersion.SOAP_12.value, 'Value')}",
    )
    assert {answer.payload.findtext(name) for name in names} & _BLAMES_THE_CLIENT
    words = etree.tostring(answer.payload, encoding="unicode")
    words += base64.b64decode(answer.text("SubmissionRejection") or "").decode()
    hidden = () if case.told != Code.MESSAGE_NOT_TRUSTED.name else (case.code.name,)
    assert [secret for secret in (FORGED, *hidden, *PERSONAL) if secret in words] == []
    if case.told == Code.MESSAGE_NOT_TRUSTED.name:
        (fault,) = answer.payload.iter(tag(SERVICE, "BropostFault"))
        assert {etree.QName(child).localname for child in fault} <= _UNIFORM | (
            _BINDING if answer.is_signed else set()
        )
        assert answer.text("English") == Code.MESSAGE_NOT_TRUSTED.row.english
        assert answer.text("Danish") == Code.MESSAGE_NOT_TRUSTED.row.danish


def guard_of(error: BropostError) -> str:
    """The function that raised the error."""
    name, trace = "", error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals["__name__"])
        if module.startswith("gateway."):
            name = f"{module.removeprefix('gateway.')}:{trace.tb_frame.f_code.co_qualname}"
        trace = trace.tb_next
    return name


def left(rows: Left, *cases: Case, **more: object) -> tuple[Case, ...]:
    """The cases, which all leave this behind."""
    return tuple(replace(case, left=rows, **more) for case in cases)  # type: ignore[arg-type]  # fields of Case


def _peak() -> int:
    """The most memory that the process held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
