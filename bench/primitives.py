"""The least that SendLetter can cost: the same work, counted, done by raw libraries on templates prepared ahead.

What one call does here, how often, and where the product does it:

- 1 parse of the request (lxml): protocol/soap.py
- 2 exclusive C14N with SHA-256, of Body and Timestamp: protocol/wss_coverage.py
- 1 exclusive C14N of SignedInfo and verification of its signature: crypto/xmldsig.py
- 1 XSD validation of the payload (lxml): protocol/service_requests.py
- 1 content seal - C14N and SHA-256 of document and of SignedProperties, C14N of SignedInfo, a signature made:
  crypto/xades.py
- 2 SHA-256, of the sealed octets and of the kept request: services/submission.py
- 3 AES-256-GCM, of sealed document, kept request and openings; 2 data keys wrapped: services/submission.py,
  services/log_entries.py
- 2 SHA-256 of the ciphertexts, their names: storage/blobs.py
- 1 evidence - C14N and SHA-256 of it and of SignedProperties, C14N of SignedInfo, a signature made:
  protocol/evidence_document.py
- 1 log entry - four salted commitments, JSON of leaf and openings, SHA-256 of the leaf, ten node hashes:
  services/log_entries.py, storage/log.py
- 1 durable commit of the same rows by the raw driver, with the same tables, indexes and pragmas: storage/
- 1 answer - C14N and SHA-256 of Body and Timestamp, C14N of SignedInfo, a signature made, serialised:
  protocol/wss_sign.py

Not counted, though the product cannot do without: reading who calls and by what mandate, the rules and the
legal-basis gate, the verdict on certificates, and every check of what the sender could have done wrong.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pybase64
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from lxml import etree

from bench.installation import INSTITUTION, MUNICIPALITY, Bench, write_schemas
from bench.rows import Statement, Written, copy_database, record, write

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
XADES: Final = "{http://uri.etsi.org/01903/v1.3.2#}"
WSU: Final = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
SERVICE: Final = "{urn:dk:bropost:service:1}"
_NODES: Final = 10  # hashes above a leaf in a log of a thousand entries

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True)
class Call:
    """What one call is given: a signed message, and the rows to write for it."""

    request: bytes
    rows: list[Statement]


def c14n(element: etree._Element) -> bytes:
    """Exclusive C14N by lxml."""
    octets: bytes = etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    return octets


def text64(octets: bytes) -> str:
    """Base64 as text."""
    return pybase64.b64encode_as_string(octets)


def sign(key: PrivateKey, octets: bytes) -> bytes:
    """A signature value by `cryptography`."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    first, second = utils.decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))
    return first.to_bytes(32, "big") + second.to_bytes(32, "big")


def verify(key: PublicKey, value: bytes, octets: bytes) -> None:
    """A signature verified by `cryptography`."""
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, octets, padding.PKCS1v15(), hashes.SHA256())
        return
    first, second = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
    key.verify(utils.encode_dss_signature(first, second), octets, ec.ECDSA(hashes.SHA256()))


def private_key(bench: Bench, name: str) -> PrivateKey:
    """The raw key of a name in the PKI."""
    key = load_pem_private_key(bench.pki.holders[name].key_pem, None)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key


def public_key(bench: Bench, name: str) -> PublicKey:
    """The raw public key of a name in the PKI."""
    key = load_pem_x509_certificates(bench.pki.holders[name].chain_pem)[0].public_key()
    assert isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    return key


def found(parent: etree._Element, path: str) -> etree._Element:
    """The first element at a path; there is one."""
    element = parent.find(path)
    assert element is not None, path
    return element


class Seal:
    """A XAdES signature as a template: what changes from document to document is filled in."""

    def __init__(self, signature: etree._Element, key: PrivateKey) -> None:
        self.signature = signature
        self._key = key
        self._info = found(signature, f"{DS}SignedInfo")
        self._properties = found(signature, f".//{XADES}SignedProperties")
        self._document_digest, self._properties_digest = self._info.findall(f".//{DS}DigestValue")
        self._value = found(signature, f"{DS}SignatureValue")

    def seal(self, element: etree._Element) -> bytes:
        """The octets of the element with a signature as its last child."""
        canonical = c14n(element)
        self._document_digest.text = text64(hashlib.sha256(canonical).digest())
        self._properties_digest.text = text64(hashlib.sha256(c14n(self._properties)).digest())
        self._value.text = text64(sign(self._key, c14n(self._info)))
        end = canonical.rindex(b"</")
        return b"".join((canonical[:end], etree.tostring(self.signature), canonical[end:]))


class Primitives:
    """SendLetter by raw libraries, with the keys, the schema and the rows of an installation."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        bench.call(bench.letters(1)[0])  # leaves what is kept once for all
        self.written: Written = record(bench, lambda: bench.call(bench.letters(1)[0]))
        self.recorded = folder / "recorded.db"  # as it was after the recorded submission
        copy_database(bench.folder / "bropost.db", self.recorded).close()
        self._database = copy_database(self.recorded, folder / "primitives.db")
        self._number = 0
        self._parser: etree.XMLParser[etree._Element] = etree.XMLParser(
            resolve_entities=False, no_network=True, huge_tree=False
        )
        self._schema = etree.XMLSchema(etree.parse(write_schemas(folder / "xsd")))
        self._caller = public_key(bench, "eksempelby-esdh")
        self._own = private_key(bench, "gateway-message")
        self._kek = AESGCM(secrets.token_bytes(32))
        self._take_templates()

    def _take_templates(self) -> None:
        """Take the forms of seal, evidence, leaf and answer from a real submission."""
        bench = self.bench
        message = bench.letters(1)[0]
        self.answer = etree.fromstring(bench.call(message).body)
        self._acceptance = found(self.answer, f".//{SERVICE}SubmissionAcceptance")
        self.evidence = etree.fromstring(pybase64.b64decode(self._acceptance.text or ""))
        signature = found(self.evidence, f"{DS}Signature")
        self.evidence.remove(signature)
        self.evidence_seal = Seal(signature, private_key(bench, "gateway-seal"))
        self.content_seal = self._content_template(signature)
        entry = self.written.inserted["log_entry"][0]["octets"]
        self._leaf: dict[str, Any] = json.loads(entry)
        self._security = found(self.answer, "*/*")
        self._timestamp = found(self._security, f"{WSU}Timestamp")
        self._info = found(self._security, f"{DS}Signature/{DS}SignedInfo")
        self._digests = self._info.findall(f".//{DS}DigestValue")
        self._value = found(self._security, f"{DS}Signature/{DS}SignatureValue")

    def _content_template(self, signature: etree._Element) -> Seal:
        """A seal of the same form, by the party's key and with its certificates."""
        copied = etree.fromstring(etree.tostring(signature))
        chain = self.bench.pki.holders["eksempelby-kommune"].chain_below_root
        for element, certificate in zip(copied.iter(f"{DS}X509Certificate"), chain, strict=True):
            element.text = text64(certificate.der)
        return Seal(copied, private_key(self.bench, "eksempelby-kommune"))

    def prepare(self, count: int) -> Sequence[Call]:
        """What so many calls are given."""
        calls = []
        for message in self.bench.letters(count):
            self._number += 1
            calls.append(Call(message.body, self.written.statements(self._number)))
        return calls

    def submit(self, call: Call) -> bytes:
        """Do the work of one SendLetter and return the signed answer."""
        payload = self._verify(call.request)
        if not self._schema.validate(payload):
            raise AssertionError(str(self._schema.error_log))
        sealed = self.content_seal.seal(payload[1])
        hashlib.sha256(sealed).digest()
        hashlib.sha256(call.request).digest()
        self.encrypt(sealed, call.request)
        evidence = self.evidence_seal.seal(self.evidence)
        self.compose_log()
        write(self._database, call.rows)
        return self._sign_answer(evidence)

    def _verify(self, request: bytes) -> etree._Element:
        envelope = etree.fromstring(request, self._parser)
        (security,), body = envelope[0], envelope[1]
        timestamp, signature = security[1], security[2]
        info = signature[0]
        for element, digest in zip((timestamp, body), info.iter(f"{DS}DigestValue"), strict=True):
            if hashlib.sha256(c14n(element)).digest() != pybase64.b64decode(digest.text or ""):
                raise AssertionError("digest")
        verify(self._caller, pybase64.b64decode(signature[1].text or ""), c14n(info))
        return body[0]

    def encrypt(self, *plaintexts: bytes) -> None:
        """Each plaintext under one fresh key, which is wrapped."""
        data_key = secrets.token_bytes(32)
        for plaintext in plaintexts:
            ciphertext = AESGCM(data_key).encrypt(secrets.token_bytes(12), plaintext, b"name")
            hashlib.sha256(ciphertext).hexdigest()
        self._kek.encrypt(secrets.token_bytes(12), data_key, b"name")

    def compose_log(self) -> None:
        """Leaf, openings and tree."""
        openings = []
        for field in ("subject", "document", "content", "conversation"):
            salt = secrets.token_bytes(32)
            value = str(MUNICIPALITY)
            self._leaf[field] = hashlib.sha256(salt + value.encode()).hexdigest()
            openings.append(json.dumps({"entry_id": str(INSTITUTION), "salt": salt.hex(), "value": value}))
        leaf = json.dumps(self._leaf, separators=(",", ":"), sort_keys=True)
        digest = hashlib.sha256(b"\x00" + leaf.encode()).digest()
        for _ in range(_NODES):
            digest = hashlib.sha256(b"\x01" + digest + digest).digest()
        key = secrets.token_bytes(32)
        AESGCM(key).encrypt(secrets.token_bytes(12), "\n".join(openings).encode(), b"name")
        self._kek.encrypt(secrets.token_bytes(12), key, b"name")

    def _sign_answer(self, evidence: bytes) -> bytes:
        self._acceptance.text = text64(evidence)
        for element, digest in zip((self._timestamp, self.answer[1]), self._digests, strict=True):
            digest.text = text64(hashlib.sha256(c14n(element)).digest())
        self._value.text = text64(sign(self._own, c14n(self._info)))
        octets: bytes = etree.tostring(self.answer)
        return octets
