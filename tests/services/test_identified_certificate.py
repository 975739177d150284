"""A system may only identify its certificate; then the one that is registered is used, and no other."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from lxml import etree

from gateway.domain.operations import Service
from gateway.xmlcore.namespaces import DS, WSSE, tag
from tests.installation import TestInstallation, open_test_installation
from tests.pki import development_pki

PING = b'<Ping xmlns="urn:dk:bropost:service:1"><Echo>goddag</Echo></Ping>'
WSS11 = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1"
WSS10 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"


def identified(house: TestInstallation, system: str) -> bytes:
    """A good message whose token is replaced by the certificate's thumbprint; neither is part of what is signed."""
    tree = etree.fromstring(house.caller(system, Service.MUNICIPALITY).message(PING))
    thumbprint = hashlib.sha1(development_pki().certificate(system).der, usedforsecurity=False).digest()
    (reference,) = tree.iter(tag(WSSE, "SecurityTokenReference"))
    reference.clear()
    identifier = etree.SubElement(reference, tag(WSSE, "KeyIdentifier"))
    identifier.set("ValueType", f"{WSS11}#ThumbprintSHA1")
    identifier.set("EncodingType", f"{WSS10}#Base64Binary")
    identifier.text = base64.b64encode(thumbprint).decode()
    (token,) = tree.iter(tag(WSSE, "BinarySecurityToken"))
    security = token.getparent()
    assert security is not None
    security.remove(token)
    assert tree.find(f".//{{{DS}}}KeyInfo") is not None
    return etree.tostring(tree)


def test_a_registered_certificate_is_found_by_its_thumbprint(tmp_path: Path) -> None:
    house = open_test_installation(tmp_path)
    answered = house.esdh.send(identified(house, "eksempelby-esdh"))
    assert answered.fault_code is None
    assert answered.text("Echo") == "goddag"


def test_a_trusted_certificate_that_is_not_registered_is_not_found(tmp_path: Path) -> None:
    house = open_test_installation(tmp_path)
    answered = house.esdh.send(identified(house, "eksempelby-esdh-2048"))
    assert answered.fault_code == "MESSAGE_NOT_TRUSTED"
    assert not answered.is_signed
