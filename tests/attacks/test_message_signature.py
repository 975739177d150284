"""Messages that differ from a valid one in exactly one thing are refused, each with its code.

The clause that most of them break: "The application must see what is signed" (XML Signature Best Practices §2.3), and
design's message signature: Body and Timestamp, every wsa header and every attachment, each once, and nothing else.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from gateway.crypto.development_issuing import sign_certificate
from gateway.domain.catalogue import Code
from gateway.protocol.wss import replay_keys
from gateway.xmlcore.namespaces import DS, SERVICE, SOAP_11, WSA, WSSE, WSU, tag
from tests.messages import (
    AT,
    SYSTEM,
    Sent,
    addressing,
    golden,
    one,
    received,
    refusal,
    stamp,
)
from tests.pki import development_pki

HEADER, BODY, SECURITY = "/s11:Envelope/s11:Header", "/s11:Envelope/s11:Body", "//wsse:Security"
TIMESTAMP, SIGNATURE, TOKEN = "//wsu:Timestamp", "//ds:Signature", "//wsse:BinarySecurityToken"
ID = tag(WSU, "Id")
FORGED = f'<Ping xmlns="{SERVICE}"><Echo>Forfalsket</Echo></Ping>'


def refusal_of(change: Callable[[etree._Element], None]) -> Code:
    """The code with which the golden message is refused after one change to its tree."""
    sent = golden(headers=addressing(MessageID="urn:uuid:1", Action=f"{SERVICE}/Ping"))
    assert received(sent).payload.findtext(tag(SERVICE, "Echo")) == "Hej"
    return refusal(sent.changed(change))


def forged_body(element_id: str | None = None) -> etree._Element:
    body = etree.Element(tag(SOAP_11, "Body"), {} if element_id is None else {ID: element_id})
    body.append(etree.fromstring(FORGED))
    return body


def wrap(tree: etree._Element, element: etree._Element, into: str = HEADER) -> None:
    """Move an element into a wrapper that nobody knows, where its id is still found."""
    etree.SubElement(one(tree, into), "{urn:x}Wrapper").append(element)


# --- signature wrapping: the signed element is still there, but not where it is read -------------------


def body_in_the_header(tree: etree._Element) -> None:
    wrap(tree, one(tree, BODY))
    tree.append(forged_body())


def body_in_the_header_with_the_same_id(tree: etree._Element) -> None:
    body = one(tree, BODY)
    wrap(tree, body)
    tree.append(forged_body(str(body.get(ID))))


def body_in_the_security_header(tree: etree._Element) -> None:
    wrap(tree, one(tree, BODY), SECURITY)
    tree.append(forged_body())


def body_in_an_object(tree: etree._Element) -> None:
    etree.SubElement(one(tree, SIGNATURE), tag(DS, "Object")).append(one(tree, BODY))
    tree.append(forged_body())


def body_in_the_forged_body(tree: etree._Element) -> None:
    body = one(tree, BODY)
    forged = forged_body()
    tree.append(forged)
    forged[0].append(body)


def body_beside_the_forged_body(tree: etree._Element) -> None:
    tree.insert(1, forged_body())


def id_moved_to_the_forged_body(tree: etree._Element) -> None:
    body = one(tree, BODY)
    forged = forged_body(str(body.attrib.pop(ID)))
    wrap(tree, body)
    tree.append(forged)


def timestamp_in_a_wrapper(tree: etree._Element) -> None:
    timestamp = one(tree, TIMESTAMP)
    fresh = copy.deepcopy(timestamp)
    del fresh.attrib[ID]
    wrap(tree, timestamp)
    one(tree, SECURITY).append(fresh)


def timestamp_in_a_wrapper_with_the_same_id(tree: etree._Element) -> None:
    timestamp = one(tree, TIMESTAMP)
    one(tree, SECURITY).append(copy.deepcopy(timestamp))
    wrap(tree, timestamp)


def action_in_a_wrapper(tree: etree._Element) -> None:
    action = one(tree, "//wsa:Action")
    fresh = copy.deepcopy(action)
    del fresh.attrib[ID]
    wrap(tree, action)
    one(tree, HEADER).append(fresh)


def signature_beside_the_security_header(tree: etree._Element) -> None:
    one(tree, HEADER).append(one(tree, SIGNATURE))


def security_header_in_a_wrapper(tree: etree._Element) -> None:
    wrap(tree, one(tree, SECURITY))


def security_header_in_the_body(tree: etree._Element) -> None:
    one(tree, BODY)[0].append(one(tree, SECURITY))


def id_under_two_names(tree: etree._Element) -> None:
    body = one(tree, BODY)
    body.set("Id", str(body.get(ID)))


def same_id_under_another_name_elsewhere(tree: etree._Element) -> None:
    forged = forged_body()
    forged.set("{http://www.w3.org/XML/1998/namespace}id", str(one(tree, BODY).get(ID)))
    etree.SubElement(one(tree, HEADER), "{urn:x}Wrapper").append(forged)


def same_id_in_other_case_elsewhere(tree: etree._Element) -> None:
    etree.SubElement(one(tree, HEADER), "{urn:x}Wrapper", ID=str(one(tree, BODY).get(ID)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (body_in_the_header, Code.SIGNATURE_COVERAGE),
        (body_in_the_header_with_the_same_id, Code.SIGNATURE_SHAPE),
        (body_in_the_security_header, Code.SIGNATURE_SHAPE),
        (body_in_an_object, Code.SIGNATURE_SHAPE),
        (body_in_the_forged_body, Code.SIGNATURE_COVERAGE),
        (body_beside_the_forged_body, Code.SOAP_MALFORMED),
        (id_moved_to_the_forged_body, Code.SIGNATURE_DIGEST),
        (timestamp_in_a_wrapper, Code.SIGNATURE_COVERAGE),
        (timestamp_in_a_wrapper_with_the_same_id, Code.SIGNATURE_SHAPE),
        (action_in_a_wrapper, Code.SIGNATURE_COVERAGE),
        (signature_beside_the_security_header, Code.SECURITY_MISSING),
        (security_header_in_a_wrapper, Code.SECURITY_MISSING),
        (security_header_in_the_body, Code.SECURITY_MISSING),
        (id_under_two_names, Code.SIGNATURE_SHAPE),
        (same_id_under_another_name_elsewhere, Code.SIGNATURE_SHAPE),
        (same_id_in_other_case_elsewhere, Code.SIGNATURE_SHAPE),
    ],
)
def test_wrapped_message_is_refused(change: Callable[[etree._Element], None], code: Code) -> None:
    assert refusal_of(change) is code


# --- the security header -------------------------------------------------------------------------------


def append_to(path: str, element: str) -> Callable[[etree._Element], None]:
    return lambda tree: one(tree, path).append(etree.fromstring(element))


def second(path: str) -> Callable[[etree._Element], None]:
    """Add a copy of an element, without ids, after it."""

    def change(tree: etree._Element) -> None:
        duplicate = copy.deepcopy(one(tree, path))
        for element in duplicate.iter("*"):
            element.attrib.pop(ID, None)
        one(tree, path).addnext(duplicate)

    return change


def remove(path: str) -> Callable[[etree._Element], None]:
    def change(tree: etree._Element) -> None:
        element = one(tree, path)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


def set_text(path: str, text: str) -> Callable[[etree._Element], None]:
    def change(tree: etree._Element) -> None:
        one(tree, path).text = text

    return change


def set_attribute(path: str, name: str, value: str) -> Callable[[etree._Element], None]:
    return lambda tree: one(tree, path).set(name, value)


SAML = '<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>'
ENCRYPTED_KEY = '<EncryptedKey xmlns="http://www.w3.org/2001/04/xmlenc#"/>'
TWO_CERTIFICATES = f'<X509Data xmlns="{DS}"/>'


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(remove(SECURITY), Code.SECURITY_MISSING, id="no_security_header"),
        pytest.param(remove(SIGNATURE), Code.SECURITY_MISSING, id="no_signature"),
        pytest.param(remove(TIMESTAMP), Code.SECURITY_MISSING, id="no_timestamp"),
        pytest.param(remove(TOKEN), Code.SIGNATURE_SHAPE, id="no_token"),
        pytest.param(second(SECURITY), Code.SOAP_MALFORMED, id="two_security_headers"),
        pytest.param(second(SIGNATURE), Code.SIGNATURE_SHAPE, id="two_signatures"),
        pytest.param(second(TIMESTAMP), Code.SIGNATURE_SHAPE, id="two_timestamps"),
        pytest.param(second(TOKEN), Code.SIGNATURE_SHAPE, id="two_tokens"),
        pytest.param(
            append_to(SECURITY, f'<UsernameToken xmlns="{WSSE}"/>'), Code.SIGNATURE_SHAPE, id="username_token"
        ),
        pytest.param(append_to(SECURITY, SAML), Code.SIGNATURE_SHAPE, id="saml_assertion"),
        pytest.param(append_to(SECURITY, ENCRYPTED_KEY), Code.SIGNATURE_SHAPE, id="encrypted_key"),
        pytest.param(set_text(SECURITY, "text"), Code.SOAP_MALFORMED, id="text_in_the_security_header"),
        pytest.param(
            set_attribute(SECURITY, tag(SOAP_11, "actor"), "urn:other"),
            Code.SOAP_MALFORMED,
            id="for_another_actor",
        ),
        pytest.param(
            append_to(HEADER, f'<w:To xmlns:w="{WSA}">https://other.example/</w:To>'),
            Code.ADDRESSING_UNSIGNED,
            id="unsigned_addressing_header_added",
        ),
        pytest.param(remove("//wsa:Action"), Code.SIGNATURE_COVERAGE, id="signed_addressing_header_removed"),
        pytest.param(
            set_text("//wsa:MessageID", "urn:uuid:2"), Code.SIGNATURE_DIGEST, id="message_id_changed"
        ),
        pytest.param(set_text("//svc:Echo", "Forfalsket"), Code.SIGNATURE_DIGEST, id="payload_changed"),
        pytest.param(append_to("//svc:Ping", FORGED), Code.SIGNATURE_DIGEST, id="payload_added_to"),
        pytest.param(append_to(BODY, FORGED), Code.SOAP_MALFORMED, id="second_payload"),
        pytest.param(set_attribute("//svc:Ping", "x", "1"), Code.SIGNATURE_DIGEST, id="attribute_added"),
        pytest.param(
            set_text("//wsu:Expires", stamp(AT + timedelta(minutes=9))),
            Code.SIGNATURE_DIGEST,
            id="life_prolonged",
        ),
        pytest.param(
            set_text("//ds:SignatureValue", base64.b64encode(bytes(384)).decode()),
            Code.SIGNATURE_VALUE,
            id="value_of_zeros",
        ),
        pytest.param(set_text("//ds:SignatureValue", "AAAA"), Code.SIGNATURE_VALUE, id="short_value"),
        pytest.param(set_text("//ds:SignatureValue", ""), Code.SIGNATURE_VALUE, id="no_value"),
        pytest.param(
            set_text("(//ds:DigestValue)[1]", base64.b64encode(bytes(32)).decode()),
            Code.SIGNATURE_VALUE,
            id="digest_changed",
        ),
        pytest.param(remove("(//ds:Reference)[1]"), Code.SIGNATURE_COVERAGE, id="reference_removed"),
        pytest.param(remove("//ds:KeyInfo"), Code.SIGNATURE_SHAPE, id="no_key_info"),
    ],
)
def test_message_changed_after_signing_is_refused(
    change: Callable[[etree._Element], None], code: Code
) -> None:
    assert refusal_of(change) is code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        pytest.param(b"<soap:Envelope", b"<!DOCTYPE x><soap:Envelope", Code.XML_DOCTYPE, id="doctype"),
        pytest.param(b"<Echo>Hej", b"<Echo>H<!-- -->ej", Code.XML_FORBIDDEN, id="comment_in_the_payload"),
        pytest.param(
            b"</wsu:Created>", b"<!-- --></wsu:Created>", Code.XML_FORBIDDEN, id="comment_in_created"
        ),
        pytest.param(
            b"<ds:DigestValue>", b"<ds:DigestValue><!---->", Code.XML_FORBIDDEN, id="comment_in_a_digest"
        ),
        pytest.param(
            b"<ds:SignedInfo>", b"<ds:SignedInfo><!---->", Code.SIGNATURE_SHAPE, id="comment_in_signed_info"
        ),
        pytest.param(b"<soap:Body", b"<?x y?><soap:Body", Code.XML_FORBIDDEN, id="processing_instruction"),
        pytest.param(b"Hej", b"Hej\xe2\x80\xae", Code.XML_FORBIDDEN, id="hidden_character"),
    ],
)
def test_message_with_what_readers_understand_differently_is_refused(
    old: bytes, new: bytes, code: Code
) -> None:
    assert refusal(golden().replaced(old, new)) is code


def test_action_beside_the_message_cannot_send_it_to_another_operation() -> None:
    sent = golden()
    with_action = Sent(sent.content_type, sent.body, f'"{SERVICE}/Ping"')
    assert received(with_action).operation == "Ping"
    assert refusal(Sent(sent.content_type, sent.body, f'"{SERVICE}/SendLetter"')) is Code.SOAP_ACTION_MISMATCH
    signed = golden(headers=addressing(Action=f"{SERVICE}/SendLetter"))
    assert refusal(signed) is Code.SOAP_ACTION_MISMATCH


def test_character_data_section_reads_as_the_same_text() -> None:
    assert (
        received(golden().replaced(b"Hej", b"<![CDATA[Hej]]>")).payload.findtext(tag(SERVICE, "Echo"))
        == "Hej"
    )


def test_namespace_declared_outside_the_signature_does_not_reach_the_payload() -> None:
    declared = golden().replaced(b"<soap:Envelope ", b'<soap:Envelope xmlns:xsd="urn:forged" ')
    assert "xsd" not in received(declared).payload.nsmap


# --- replay --------------------------------------------------------------------------------------------

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def test_second_valid_value_of_an_elliptic_signature_is_the_same_message() -> None:
    """Of ECDSA (r, s), (r, n - s) is valid too: a replay must not look new by it."""
    sent = golden(key="eksempelby-esdh-p256")
    tree = etree.fromstring(sent.body)
    value = one(tree, "//ds:SignatureValue")
    octets = base64.b64decode(value.text or "")
    other = P256_ORDER - int.from_bytes(octets[32:], "big")
    value.text = base64.b64encode(octets[:32] + other.to_bytes(32, "big")).decode()
    again = Sent(sent.content_type, etree.tostring(tree))
    assert again.body != sent.body
    assert replay_keys(received(again)) == replay_keys(received(sent))


def renewed(name: str) -> bytes:
    """A second certificate for the key of this holder, as after a renewal."""
    old = development_pki().certificate(name).x509
    kept = [
        (one.value, one.critical)
        for one in old.extensions
        if not isinstance(one.value, x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier)
    ]
    validity = (old.not_valid_before_utc, old.not_valid_after_utc)
    issuer = development_pki().holders["issuing"].issuer()
    public_key = old.public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    return sign_certificate(issuer, old.subject, public_key, validity, kept)


def test_message_with_another_certificate_of_the_same_key_is_the_same_message() -> None:
    """The token need not be signed: exchanging it for that of a renewal must not make a replay look new."""
    sent = golden()
    der = renewed(SYSTEM)
    exchanged = sent.changed(set_text(TOKEN, base64.b64encode(der).decode()))
    assert received(exchanged).certificate.certificate.der == der
    assert replay_keys(received(exchanged)) == replay_keys(received(sent))


def test_message_written_otherwise_is_the_same_message() -> None:
    sent = golden()
    spaced = sent.replaced(b"><soap:Body", b">\n  <!-- again -->\n<soap:Body")
    assert replay_keys(received(spaced)) == replay_keys(received(sent))
