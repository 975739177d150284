"""The same work as SendLetter on the usual building blocks, as one would put them together.

Two stacks: signxml for all signatures, xmlschema for the schema; and zeep.wsse (xmlsec) for the message signatures,
xmlsec for the content signatures, lxml for the schema. Both store with SQLAlchemy Core, statements built per call.
Counts are those of `bench.primitives`: one verification, three signatures, one validation, the same rows written; and
the rows are read that tell who calls, by what mandate, to whom, and whether the document is known. Keys, schemas and
forms are made ready ahead, as in the product. Neither judges a letter by rules or legal bases, which no library does.
"""

from __future__ import annotations

import copy
import hashlib
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import signxml
import sqlalchemy
import xmlschema
import xmlsec
from lxml import etree
from signxml.xades import XAdESSigner
from sqlalchemy import Connection, Engine, insert, or_, select, update
from zeep.wsse.signature import MemorySignature

from bench.installation import INSTITUTION, MUNICIPALITY, Bench, Keys, write_schemas
from bench.primitives import DS, SERVICE, WSU, XADES, Primitives, found, private_key, text64
from bench.rows import PRAGMAS, Row, copy_database
from gateway.domain.identifiers import Uuid4
from gateway.storage.tables import METADATA, contact, mandate, party, system, system_certificate
from gateway.storage.tables_documents import document, validation_material
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
        self._fingerprint = bench.pki.certificate("eksempelby-esdh").fingerprint
        recorded = primitives.written.inserted["document"][0]
        self._kept = [*recorded["certificate_names"].split(), *recorded["revocation_names"].split()]
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

    def authorise(self) -> None:
        """Read what the product reads before it judges: the system, both parties, the mandates, the document."""
        now, sender = int(time.time() * 1000), str(MUNICIPALITY)
        with self._engine.connect() as connection:
            known = (
                select(system)
                .join_from(system_certificate, system, system_certificate.c.system_id == system.c.system_id)
                .where(
                    system_certificate.c.fingerprint == self._fingerprint,
                    system_certificate.c.valid_from <= now,
                    or_(system_certificate.c.valid_until.is_(None), system_certificate.c.valid_until > now),
                )
            )
            caller = connection.execute(known).mappings().one()["system_id"]
            connection.execute(
                select(system_certificate).where(system_certificate.c.system_id == caller)
            ).all()
            for each in (sender, str(INSTITUTION)):
                connection.execute(select(party).where(party.c.party == each)).mappings().one()
                connection.execute(select(contact).where(contact.c.party == each)).all()
            connection.execute(select(party.c.party).where(party.c.cvr == MUNICIPALITY.cvr.text)).all()
            given = select(mandate).where(mandate.c.system_id == caller, mandate.c.party == sender)
            connection.execute(given).all()
            self._require_new(connection)

    def _require_new(self, connection: Connection) -> None:
        mine = select(document).where(
            document.c.document_id == Uuid4.new().text, document.c.sender == str(MUNICIPALITY)
        )
        if connection.execute(mine).one_or_none() is not None:
            raise AssertionError("known")

    def write(self, call: StackCall) -> None:
        """One durable commit, with what the product reads in it: the document, certificates and lists, the log."""
        with self._engine.begin() as connection:
            self._require_new(connection)
            kept = select(validation_material.c.name).where(validation_material.c.name.in_(self._kept))
            connection.execute(kept).all()
            connection.execute(select(log).where(log.c.key == self._written.grown(0)["key"])).mappings().one()
            for name, rows in call.rows.items():
                connection.execute(insert(METADATA.tables[name]), rows)
            connection.execute(update(log).where(log.c.key == call.grown["key"]).values(**call.grown))


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
        self._store.authorise()
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
        constants = xmlsec.constants
        method = constants.TransformEcdsaSha256 if keys is Keys.P_256 else constants.TransformRsaSha256
        self._caller = self._wsse(bench, "eksempelby-esdh", method)
        self._own = self._wsse(bench, "gateway-message", method)
        self._answer = unsigned_answer(primitives)
        self._seals = {
            name: xmlsec.Key.from_memory(bench.pki.holders[name].key_pem, xmlsec.constants.KeyDataFormatPem)
            for name in ("eksempelby-kommune", "gateway-seal")
        }
        self._form = _blank(primitives.evidence_seal.signature, method.href)

    def _wsse(self, bench: Bench, name: str, method: object) -> MemorySignature:
        holder = bench.pki.holders[name]
        return MemorySignature(
            holder.key_pem, holder.certificate.pem, None, method, xmlsec.constants.TransformSha256
        )

    def submit(self, call: StackCall) -> bytes:
        """Do the work of one SendLetter and return the signed answer."""
        envelope = etree.fromstring(call.request)
        self._caller.verify(envelope)
        payload = envelope[1][0]
        if not self._schema.validate(payload):
            raise AssertionError(str(self._schema.error_log))
        self._store.authorise()
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


def _blank(signature: etree._Element, href: str) -> etree._Element:
    """The form of a content signature, for xmlsec to fill in."""
    blank = copy.deepcopy(signature)
    info = found(blank, f"{DS}SignedInfo")
    found(info, f"{DS}SignatureMethod").set("Algorithm", href)
    for element in (*info.iter(f"{DS}DigestValue"), found(blank, f"{DS}SignatureValue")):
        element.text = None
    return blank
