"""The same work as SendLetter on the usual building blocks, as one would put them together.

Two stacks: signxml for all signatures, xmlschema for the schema; and zeep.wsse (xmlsec) for the message signatures,
xmlsec for the content signatures, lxml for the schema. Both store with SQLAlchemy Core, statements built per call.
Counts are those of `bench.primitives`: one verification, three signatures, one validation, the same rows. Keys,
schemas and forms are made ready ahead, as in the product.
"""

from __future__ import annotations

import copy
import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pybase64
import signxml
import sqlalchemy
import xmlschema
import xmlsec
from cryptography import x509
from lxml import etree
from signxml.xades import XAdESSigner
from sqlalchemy import Engine, insert, update
from zeep.wsse.signature import MemorySignature

from bench.installation import Bench, Keys, write_schemas
from bench.primitives import DS, SERVICE, WSU, XADES, Primitives, found, private_key, text64
from bench.rows import PRAGMAS, Row, copy_database
from gateway.storage.tables import METADATA
from gateway.storage.tables_log import log

_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"


@dataclass(frozen=True)
class StackCall:
    """What one call is given: a signed message, and the rows to write for it."""

    request: bytes
    rows: dict[str, list[Row]]
    grown: Row


class Store:
    """The same rows by SQLAlchemy Core."""

    def __init__(self, bench: Bench, primitives: Primitives, path: Path) -> None:
        copy_database(primitives.recorded, path).close()
        self._bench = bench
        self._written = primitives.written
        self._number = 0
        self._engine: Engine = sqlalchemy.create_engine(f"sqlite:///{path}")
        sqlalchemy.event.listen(self._engine, "connect", _set_up)

    def prepare(self, count: int) -> Sequence[StackCall]:
        """What so many calls are given."""
        calls = []
        for message in self._bench.letters(count):
            self._number += 1
            rows, grown = self._written.again(self._number), self._written.grown(self._number)
            calls.append(StackCall(message.body, rows, grown))
        return calls

    def write(self, call: StackCall) -> None:
        """One durable commit."""
        with self._engine.begin() as connection:
            for name, rows in call.rows.items():
                connection.execute(insert(METADATA.tables[name]), rows)
            connection.execute(update(log).where(log.c.key == self._written.log_key).values(**call.grown))


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def unsigned_answer(primitives: Primitives) -> etree._Element:
    """The form of an answer, without its signature and token."""
    answer = copy.deepcopy(primitives.answer)
    security = found(answer, "*/*")
    for child in list(security):
        if child.tag != f"{WSU}Timestamp":
            security.remove(child)
    return answer


class SignxmlStack:
    """signxml, xmlschema, SQLAlchemy."""

    def __init__(self, bench: Bench, primitives: Primitives, keys: Keys, folder: Path) -> None:
        self._primitives = primitives
        self._store = Store(bench, primitives, folder / "signxml.db")
        self.prepare = self._store.prepare
        self._schema = xmlschema.XMLSchema(str(write_schemas(folder / "xsd")))
        method = signxml.SignatureMethod
        self._method = method.ECDSA_SHA256 if keys is Keys.P_256 else method.RSA_SHA256
        self._caller = bench.pki.certificate("eksempelby-esdh").x509
        self._keys = {
            name: (private_key(bench, name), [one.x509 for one in bench.pki.chain(name)])
            for name in ("eksempelby-kommune", "gateway-seal", "gateway-message")
        }
        self._answer = unsigned_answer(primitives)

    def submit(self, call: StackCall) -> bytes:
        """Do the work of one SendLetter and return the signed answer."""
        envelope = etree.fromstring(call.request)
        expected = signxml.SignatureConfiguration(expect_references=2, location=".//")
        verified = signxml.XMLVerifier().verify(envelope, x509_cert=self._caller, expect_config=expected)
        (payload,) = verified[1].signed_xml
        self._schema.validate(payload)
        sealed = self._seal(payload[1], "eksempelby-kommune")
        hashlib.sha256(sealed).digest()
        hashlib.sha256(call.request).digest()
        self._primitives.encrypt(sealed, call.request)
        evidence = self._seal(self._primitives.evidence, "gateway-seal")
        self._primitives.compose_log()
        self._store.write(call)
        return self._sign_answer(evidence)

    def _seal(self, document: etree._Element, name: str) -> bytes:
        key, chain = self._keys[name]
        signer = XAdESSigner(
            method=signxml.methods.enveloped, signature_algorithm=self._method, c14n_algorithm=_EXCLUSIVE
        )
        signed = signer.sign(document, key=key, cert=chain, always_add_key_value=False)
        octets: bytes = etree.tostring(signed)
        return octets

    def _sign_answer(self, evidence: bytes) -> bytes:
        answer = copy.deepcopy(self._answer)
        found(answer, f".//{SERVICE}SubmissionAcceptance").text = text64(evidence)
        key, chain = self._keys["gateway-message"]
        timestamp, body = found(answer, f".//{WSU}Timestamp"), answer[1]
        signer = signxml.XMLSigner(
            method=signxml.methods.detached, signature_algorithm=self._method, c14n_algorithm=_EXCLUSIVE
        )
        uris = [f"#{element.get(f'{WSU}Id')}" for element in (timestamp, body)]
        signature = signer.sign(answer, key=key, cert=chain, reference_uri=uris)
        found(answer, "*/*").append(signature)
        octets: bytes = etree.tostring(answer)
        return octets


class ZeepStack:
    """zeep.wsse and xmlsec, lxml, SQLAlchemy."""

    def __init__(self, bench: Bench, primitives: Primitives, keys: Keys, folder: Path) -> None:
        self._primitives = primitives
        self._store = Store(bench, primitives, folder / "zeep.db")
        self.prepare = self._store.prepare
        self._schema = etree.XMLSchema(etree.parse(write_schemas(folder / "xsd")))
        transform = xmlsec.Transform
        method = transform.ECDSA_SHA256 if keys is Keys.P_256 else transform.RSA_SHA256
        self._caller = self._wsse(bench, "eksempelby-esdh", method)
        self._own = self._wsse(bench, "gateway-message", method)
        self._answer = unsigned_answer(primitives)
        self._seals = {
            name: xmlsec.Key.from_memory(bench.pki.holders[name].key_pem, xmlsec.KeyFormat.PEM)
            for name in ("eksempelby-kommune", "gateway-seal")
        }
        self._form = _blank(primitives.evidence_seal.signature, method)

    def _wsse(self, bench: Bench, name: str, method: Any) -> MemorySignature:
        holder = bench.pki.holders[name]
        return MemorySignature(holder.key_pem, holder.certificate.pem, None, method, xmlsec.Transform.SHA256)

    def submit(self, call: StackCall) -> bytes:
        """Do the work of one SendLetter and return the signed answer."""
        envelope = etree.fromstring(call.request)
        self._caller.verify(envelope)
        payload = envelope[1][0]
        if not self._schema.validate(payload):
            raise AssertionError(str(self._schema.error_log))
        sealed = self._seal(payload[1], "eksempelby-kommune")
        hashlib.sha256(sealed).digest()
        hashlib.sha256(call.request).digest()
        self._primitives.encrypt(sealed, call.request)
        evidence = self._seal(self._primitives.evidence, "gateway-seal")
        self._primitives.compose_log()
        self._store.write(call)
        return self._sign_answer(evidence)

    def _seal(self, document: etree._Element, name: str) -> bytes:
        """An enveloped signature over the document and its signed properties."""
        root, signature = copy.deepcopy(document), copy.deepcopy(self._form)
        root.append(signature)
        context = xmlsec.SignatureContext()
        context.key = self._seals[name]
        context.register_id(found(signature, f".//{XADES}SignedProperties"), "Id")
        context.sign(signature)
        octets: bytes = etree.tostring(root)
        return octets

    def _sign_answer(self, evidence: bytes) -> bytes:
        answer = copy.deepcopy(self._answer)
        found(answer, f".//{SERVICE}SubmissionAcceptance").text = text64(evidence)
        self._own.apply(answer, {})
        octets: bytes = etree.tostring(answer)
        return octets


def _blank(signature: etree._Element, method: Any) -> etree._Element:
    """The form of a content signature, for xmlsec to fill in."""
    blank = copy.deepcopy(signature)
    info = found(blank, f"{DS}SignedInfo")
    found(info, f"{DS}SignatureMethod").set("Algorithm", method.href)
    for element in (*info.iter(f"{DS}DigestValue"), found(blank, f"{DS}SignatureValue")):
        element.text = None
    return blank


Submit = Callable[[StackCall], bytes]
