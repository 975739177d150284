"""The xmlsec1 command verifies what we sign, and we verify what it signs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import etree

from gateway.crypto import xades
from gateway.crypto.certificates import Usage
from gateway.protocol import soap, wss
from gateway.protocol.soap import SoapVersion
from gateway.xmlcore.namespaces import DS, WSU
from tests.pki import development_pki
from tests.xmlcore.letters import LETTER

SIGNERS = ("eksempelby-esdh", "eksempelby-esdh-2048", "eksempelby-esdh-p256")
TEMPLATE = f"""<ds:Signature xmlns:ds="{DS}" Id="S"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#{{method}}"/>
<ds:Reference Id="D" URI=""><ds:Transforms>
<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>
<ds:Reference URI="#P" Type="http://uri.etsi.org/01903#SignedProperties"><ds:Transforms>
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>
<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference>
</ds:SignedInfo><ds:SignatureValue/>{{key_info}}{{objects}}</ds:Signature>"""


def xmlsec1(*arguments: str) -> str:
    """What the command prints; its failure fails the test."""
    command = shutil.which("xmlsec1")
    assert command, "the xmlsec1 command is missing: install the package xmlsec1"
    done = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def key_file(folder: Path, signer: str) -> tuple[Path, Path]:
    """The signer's key and its certificate as PEM files."""
    holder = development_pki().holders[signer]
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    key.write_bytes(holder.key_pem)
    certificate.write_bytes(holder.certificate.pem)
    return key, certificate


@pytest.mark.parametrize("signer", SIGNERS)
def test_xmlsec1_verifies_a_content_signature_of_ours(signer: str, tmp_path: Path) -> None:
    _, certificate = key_file(tmp_path, signer)
    signed = tmp_path / "signed.xml"
    pki = development_pki()
    signed.write_bytes(xades.sign(etree.fromstring(LETTER.encode()), pki.signing_key(signer), pki.at))
    properties = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"
    trusted = ("--pubkey-cert-pem", str(certificate), "--enabled-key-data", "rsa,ec,x509")
    xmlsec1("--verify", "--id-attr:Id", properties, *trusted, str(signed))


@pytest.mark.parametrize("version", SoapVersion)
@pytest.mark.parametrize("signer", SIGNERS)
def test_xmlsec1_verifies_a_message_signature_of_ours(
    signer: str, version: SoapVersion, tmp_path: Path
) -> None:
    _, certificate = key_file(tmp_path, signer)
    message = tmp_path / "message.xml"
    pki = development_pki()
    envelope = soap.envelope(version, etree.Element("{urn:dk:bropost:service:1}Ping"))
    message.write_bytes(wss.secure(envelope, pki.signing_key(signer), pki.at))
    ids = ("--id-attr:Id", f"{version.value}:Body", "--id-attr:Id", f"{WSU}:Timestamp")
    xmlsec1("--verify", *ids, "--pubkey-cert-pem", str(certificate), str(message))


@pytest.mark.parametrize("signer", SIGNERS)
def test_we_verify_a_content_signature_of_xmlsec1(signer: str, tmp_path: Path) -> None:
    key, _ = key_file(tmp_path, signer)
    pki = development_pki()
    ours = etree.fromstring(xades.sign(etree.fromstring(LETTER.encode()), pki.signing_key(signer), pki.at))
    signature = ours[-1]
    parts = {etree.QName(child).localname: child for child in signature}
    for element in parts["Object"].iter(
        "{*}QualifyingProperties", "{*}SignedProperties", "{*}DataObjectFormat"
    ):
        _rename(element)
    template = TEMPLATE.format(
        method="ecdsa-sha256" if signer.endswith("p256") else "rsa-sha256",
        key_info=etree.tostring(parts["KeyInfo"]).decode(),
        objects=etree.tostring(parts["Object"]).decode(),
    )
    ours.remove(signature)
    ours.append(etree.fromstring(template))
    unsigned, signed = tmp_path / "unsigned.xml", tmp_path / "signed.xml"
    unsigned.write_bytes(etree.tostring(ours))
    properties = "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"
    xmlsec1(
        "--sign",
        "--id-attr:Id",
        properties,
        "--privkey-pem",
        str(key),
        "--output",
        str(signed),
        str(unsigned),
    )
    verified = xades.verify(
        signed.read_bytes(), pki.trust_store(), pki.revocations(), pki.at, usage=Usage.CONTENT
    )
    assert verified.certificate.certificate == pki.certificate(signer)


def _rename(element: etree._Element) -> None:
    """Give the element the ids of the template."""
    if "Target" in element.attrib:
        element.set("Target", "#S")
    elif "ObjectReference" in element.attrib:
        element.set("ObjectReference", "#D")
    else:
        element.set("Id", "P")
