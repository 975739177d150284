"""A case system as a vendor would build it: zeep for SOAP, zeep's own WS-Security signature, xmlsec for answers.

Nothing here comes from the gateway's code; what it proves, it proves from the outside.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
import xmlsec
import zeep
from lxml import etree
from zeep.wsse.signature import BinarySignature

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
SERVICE = "urn:dk:bropost:service:1"


@dataclass(frozen=True)
class Refused(Exception):
    """The gateway refused a request, with a fault that says why."""

    code: str
    english: str
    danish: str
    violations: tuple[tuple[str, str, str], ...]  # path, code, English text
    detail: Any  # the fault's detail element


class MessageSignature:
    """Signs requests with zeep's BinarySignature and checks the answers' signature with xmlsec."""

    def __init__(self, key_file: Path, chain_file: Path, gateway_certificate: Path) -> None:
        self._sign = BinarySignature(
            str(key_file),
            str(chain_file),
            signature_method=xmlsec.Transform.RSA_SHA256,
            digest_method=xmlsec.Transform.SHA256,
        )
        self._gateway_key = xmlsec.Key.from_file(str(gateway_certificate), xmlsec.KeyFormat.CERT_PEM)
        self.request_digest = b""

    def apply(self, envelope: Any, headers: Any) -> tuple[Any, Any]:
        """Add a Timestamp of five minutes and sign it with the Body."""
        header = envelope.find("{*}Header")
        if header is None:
            header = etree.Element(etree.QName(etree.QName(envelope).namespace, "Header"))
            envelope.insert(0, header)
        security = etree.SubElement(header, etree.QName(WSSE, "Security"), nsmap={"wsse": WSSE, "wsu": WSU})
        timestamp = etree.SubElement(security, etree.QName(WSU, "Timestamp"))
        now = datetime.now(UTC)
        for name, at in (("Created", now), ("Expires", now + timedelta(minutes=5))):
            etree.SubElement(timestamp, etree.QName(WSU, name)).text = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        self._sign.apply(envelope, headers)
        signed_info = envelope.find(f".//{{{DS}}}SignedInfo")
        self.request_digest = hashlib.sha256(etree.tostring(signed_info, method="c14n", exclusive=True)).digest()
        return envelope, headers

    def verify(self, envelope: Any) -> Any:
        """Check that the gateway signed Body and Timestamp of this answer; ValueError if not."""
        signature = envelope.find(f"{{*}}Header/{{{WSSE}}}Security/{{{DS}}}Signature")
        if signature is None:
            raise ValueError("the answer is not signed")
        context = xmlsec.SignatureContext()
        context.key = self._gateway_key
        covered = set()
        for reference in signature.iterfind(f"{{{DS}}}SignedInfo/{{{DS}}}Reference"):
            target = envelope.xpath("//*[@wsu:Id = $id]", id=reference.get("URI")[1:], namespaces={"wsu": WSU})[0]
            context.register_id(target, "Id", WSU)
            covered.add(etree.QName(target).localname)
        context.verify(signature)
        if not {"Body", "Timestamp"} <= covered:
            raise ValueError("the answer's Body or Timestamp is not signed")
        return envelope


class CaseSystem:
    """One case system, connected to one service of the gateway.

    `name` is for people; the files are PEM; `authorities` is what its TLS trusts.
    """

    def __init__(
        self, name: str, wsdl: str, *, key: Path, chain: Path, gateway_certificate: Path, authorities: Path
    ) -> None:
        self.name = name
        self.signature = MessageSignature(key, chain, gateway_certificate)
        session = requests.Session()
        session.verify = str(authorities)
        session.trust_env = False
        self._client = zeep.Client(
            wsdl,
            wsse=self.signature,
            transport=zeep.Transport(session=session, timeout=30, operation_timeout=60),
            settings=zeep.Settings(strict=True, xml_huge_tree=False),
        )

    def call(self, operation: str, **arguments: Any) -> Any:
        """Call an operation and return its answer, checked to be signed and to answer this very request.

        Raises Refused with what the gateway's fault says.
        """
        try:
            answer = self._client.service[operation](**arguments)
        except zeep.exceptions.Fault as fault:
            raise _refused(fault) from fault
        if answer.Answer.RequestDigest != self.signature.request_digest:
            raise ValueError("the answer belongs to another request")
        return answer

    def element(self, octets: bytes) -> Any:
        """Return a document as an element, for the typed way of sending."""
        return etree.fromstring(octets)


def _refused(fault: zeep.exceptions.Fault) -> Refused:
    """Read the typed detail of a fault."""
    detail = fault.detail.find(f"{{{SERVICE}}}BropostFault") if fault.detail is not None else None
    if detail is None:
        return Refused(str(fault.code), str(fault.message), "", (), None)

    def text(parent: Any, name: str) -> str:
        return str(parent.findtext(f"{{{SERVICE}}}{name}") or "")

    violations = tuple(
        (text(violation, "Path"), text(violation, "Code"), text(violation, "English"))
        for violation in detail.iterfind(f"{{{SERVICE}}}Violation")
    )
    return Refused(text(detail, "Code"), text(detail, "English"), text(detail, "Danish"), violations, detail)


def octets_of(content: Any) -> bytes:
    """Return base64 content of an answer as octets, whichever way the client library gave it."""
    return content if isinstance(content, bytes) else base64.b64decode(content)
