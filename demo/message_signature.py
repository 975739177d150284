"""WS-Security as a vendor has it: zeep's BinarySignature signs requests, xmlsec checks the answers."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree
from zeep.wsse.signature import BinarySignature

WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_LIFETIME: Final = timedelta(minutes=5)

Headers = dict[str, str]


class UnsignedFault(ValueError):
    """A fault without a signature: who made it is unknown, so look into it, and do nothing by it.

    So the gateway answers a message whose own signature, certificate or time does not hold.
    """

    def __init__(self, detail: etree._Element) -> None:
        texts = {etree.QName(each).localname: each.text or "" for each in detail}
        self.code, self.correlation = texts.get("Code", ""), texts.get("CorrelationId", "")
        self.danish = texts.get("Danish", "")
        super().__init__(f"an unsigned fault says {self.code}: do not act on it")


class MessageSignature:
    """Signs requests with a system's key, and checks that answers are signed with the gateway's certificate.

    The files are PEM. What it keeps of the last request lets the caller bind the answer to it.
    """

    def __init__(self, key: Path, chain: Path, gateway_certificate: Path) -> None:
        leaf = x509.load_pem_x509_certificates(chain.read_bytes())[0]
        is_elliptic = isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
        self._sign = BinarySignature(
            str(key),
            str(chain),
            signature_method=xmlsec.constants.TransformEcdsaSha256
            if is_elliptic
            else xmlsec.constants.TransformRsaSha256,
            digest_method=xmlsec.constants.TransformSha256,
        )
        self._gateway_key = xmlsec.Key.from_file(
            str(gateway_certificate), xmlsec.constants.KeyDataFormatCertPem
        )
        self.request: etree._Element | None = None
        self.answers_checked = 0

    @property
    def request_digest(self) -> bytes:
        """SHA-256 of the last request's canonical SignedInfo: an answer names its request by it."""
        assert self.request is not None
        signed_info = self.request.find(f".//{{{DS}}}SignedInfo")
        assert signed_info is not None
        return hashlib.sha256(etree.tostring(signed_info, method="c14n", exclusive=True)).digest()

    def require_answer_to_last_request(self, named: bytes | str) -> None:
        """ValueError if an answer or a fault names another request than the last one, or none."""
        digest = named if isinstance(named, bytes) else base64.b64decode(named)
        if digest != self.request_digest:
            raise ValueError("the answer belongs to another request")

    def apply(self, envelope: etree._Element, headers: Headers) -> tuple[etree._Element, Headers]:
        """Add a Timestamp and sign it with the Body."""
        header = envelope.find("{*}Header")
        if header is None:
            header = etree.Element(etree.QName(etree.QName(envelope).namespace, "Header"))
            envelope.insert(0, header)
        security = etree.SubElement(header, etree.QName(WSSE, "Security"), nsmap={"wsse": WSSE, "wsu": WSU})
        timestamp = etree.SubElement(security, etree.QName(WSU, "Timestamp"))
        now = datetime.now(UTC)
        for name, at in (("Created", now), ("Expires", now + _LIFETIME)):
            etree.SubElement(timestamp, etree.QName(WSU, name)).text = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        self._sign.apply(envelope, headers)
        self.request = envelope
        return envelope, headers

    def verify(self, envelope: etree._Element) -> etree._Element:
        """Check that the gateway signed Body and Timestamp of this answer; ValueError if not.

        UnsignedFault if it is a fault and nobody signed it.
        """
        signature = envelope.find(f"{{*}}Header/{{{WSSE}}}Security/{{{DS}}}Signature")
        if signature is None:
            detail = envelope.find("{*}Body/{*}Fault//{urn:dk:bropost:service:1}BropostFault")
            raise ValueError("the answer is not signed") if detail is None else UnsignedFault(detail)
        context = xmlsec.SignatureContext()
        context.key = self._gateway_key
        signed = [self._register(context, envelope, one) for one in signature.iter(f"{{{DS}}}Reference")]
        try:
            context.verify(signature)
        except xmlsec.Error as error:
            raise ValueError("the answer's signature does not hold") from error
        root = etree.QName(envelope).namespace
        timestamp = envelope.find(f"{{*}}Header/{{{WSSE}}}Security/{{{WSU}}}Timestamp")
        if timestamp not in signed or envelope.find(f"{{{root}}}Body") not in signed:
            raise ValueError("the answer's Body or Timestamp is not signed")
        self._require_in_time(timestamp)
        self.answers_checked += 1
        return envelope

    def _register(
        self, context: xmlsec.SignatureContext, envelope: etree._Element, reference: etree._Element
    ) -> etree._Element:
        """Let xmlsec find what a reference covers; it must be there exactly once."""
        name = (reference.get("URI") or "").removeprefix("#")
        found = [element for element in envelope.iter("*") if element.get(f"{{{WSU}}}Id") == name]
        if len(found) != 1:
            raise ValueError("a reference of the answer's signature does not name one element")
        context.register_id(found[0], "Id", WSU)
        return found[0]

    def _require_in_time(self, timestamp: etree._Element) -> None:
        expires = timestamp.findtext(f"{{{WSU}}}Expires") or ""
        if datetime.fromisoformat(expires) < datetime.now(UTC):
            raise ValueError("the answer has expired")
