"""A message signature turns Unpacked into Verified, in every form that real clients send; ours are verified too."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from lxml import etree

from gateway.crypto.certificates import Certificate
from gateway.domain.catalogue import Code
from gateway.domain.errors import InternalError, TrustError
from gateway.protocol.attachments import digest_content
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.soap import SoapVersion, answer_addressing, unpack
from gateway.protocol.wss import replay_keys, secure, verify
from gateway.protocol.wss_tokens import CertificateHint
from gateway.xmlcore.namespaces import DS, SERVICE, tag
from tests.messages import (
    AT,
    BASE64,
    SWA_CONTENT,
    SYSTEM,
    X509,
    ByHand,
    Ref,
    Sent,
    addressing,
    canonical,
    der_token,
    golden,
    golden_with_parts,
    letter,
    one,
    ping,
    received,
    signing_key,
    stamp,
)
from tests.pki import development_pki

RSA, RSA_2048, P256 = SYSTEM, "eksempelby-esdh-2048", "eksempelby-esdh-p256"
THUMBPRINT = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1"


def registry(hint: CertificateHint) -> Sequence[Certificate]:
    """The registered systems, as the gateway keeps them."""
    chains = [development_pki().chain(name) for name in (RSA, P256)]
    return next((chain for chain in chains if hint.fits(chain[0])), ())


def subject_key(certificate: Certificate) -> str:
    value = certificate.x509.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return base64.b64encode(value.digest).decode()


def pki_path(*ders: bytes) -> bytes:
    content = b"".join(ders)
    return b"\x30\x82" + len(content).to_bytes(2, "big") + content


def reference_to(value_type: str) -> str:
    inner = f'<wsse:Reference URI="#T" ValueType="{value_type}"/>'
    return f"<wsse:SecurityTokenReference>{inner}</wsse:SecurityTokenReference>"


def key_identifier(value_type: str, text: str) -> str:
    inner = (
        f'<wsse:KeyIdentifier EncodingType="{BASE64}" ValueType="{value_type}">{text}</wsse:KeyIdentifier>'
    )
    return f"<wsse:SecurityTokenReference>{inner}</wsse:SecurityTokenReference>"


@pytest.mark.parametrize("key", [RSA, RSA_2048, P256])
@pytest.mark.parametrize("version", list(SoapVersion))
def test_message_that_we_secure_is_verified(version: SoapVersion, key: str) -> None:
    verified = received(golden(version, key=key))
    assert (verified.operation, verified.namespace, verified.version) == ("Ping", SERVICE, version)
    assert verified.certificate.certificate == development_pki().certificate(key)
    assert str(verified.certificate.identity.cvr) == "11111111"
    assert (verified.created, verified.expires) == (AT, AT + timedelta(minutes=5))


@pytest.mark.parametrize("key", [RSA, P256])
@pytest.mark.parametrize("version", list(SoapVersion))
def test_message_signed_by_hand_is_verified(version: SoapVersion, key: str) -> None:
    assert received(ByHand(version=version, key=key).sent()).operation == "Ping"


def test_only_the_payload_remains_of_the_tree() -> None:
    verified = received(golden(headers=addressing(MessageID="urn:uuid:1")))
    assert verified.payload.getparent() is None
    assert verified.payload.getroottree().getroot() is verified.payload
    assert verified.payload.xpath("boolean(//*[local-name()='Security'])") is False


def test_octets_are_kept_as_received() -> None:
    sent = golden()
    assert received(sent).octets == sent.body


def test_request_digest_is_that_of_the_canonical_signed_info() -> None:
    sent = golden()
    signed_info = one(etree.fromstring(sent.body), "//ds:SignedInfo")
    assert received(sent).request_digest == hashlib.sha256(canonical(signed_info)).digest()


def test_verified_is_made_by_verify_alone() -> None:
    with pytest.raises(InternalError):
        replace(received(golden()), operation="SendLetter", proof=object())


def test_signed_addressing_is_read() -> None:
    headers = addressing(MessageID="urn:uuid:1", Action=f"{SERVICE}/Ping", To="https://gateway.example/")
    assert received(golden(headers=headers)).message_id == "urn:uuid:1"


def test_answer_with_addressing_headers_is_secured_and_verified() -> None:
    headers = answer_addressing(f"{SERVICE}/Ping", "urn:uuid:1", "urn:uuid:2")
    sent = golden(headers=headers, key="gateway-message")
    assert sent.body.count(b"<ds:Reference ") == 6
    assert received(sent).message_id == "urn:uuid:2"


@pytest.mark.parametrize(
    "security",
    [
        "{token}{timestamp}{signature}",
        "{timestamp}{token}{signature}",
        "{signature}{token}{timestamp}",
        "\n {signature}\n <!-- order -->{timestamp}\r\n{token}",
    ],
)
def test_security_header_may_have_any_order(security: str) -> None:
    assert received(ByHand(security=security).sent()).operation == "Ping"


def test_prefix_of_the_security_header_does_not_matter() -> None:
    text = ByHand().sent().body.decode()
    other = text.replace("<wsse:", "<o:").replace("</wsse:", "</o:").replace("xmlns:wsse=", "xmlns:o=")
    assert received(Sent("text/xml", other.encode())).operation == "Ping"


def test_token_may_be_signed_too() -> None:
    assert received(ByHand(sign=("B", "TS", "T")).sent()).operation == "Ping"


def test_inclusive_prefixes_are_heeded() -> None:
    listed = (
        '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces '
        'xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="s wsa"/></ds:Transform>'
    )
    by_hand = ByHand(sign=("TS",))

    def body_with_prefixes(references: list[Ref]) -> None:
        octets = etree.tostring(
            one(etree.fromstring(ByHand().sent().body), "//s11:Body"),
            method="c14n",
            exclusive=True,
            inclusive_ns_prefixes=["s", "wsa"],
        )
        assert b"xmlns:wsa" in octets
        references.append(Ref("#B", octets, listed))

    by_hand.change_references = body_with_prefixes
    assert received(by_hand.sent()).operation == "Ping"


# --- how the certificate is named ---------------------------------------------------------------------------------


def test_certificate_path_in_the_token_is_read_leaf_last() -> None:
    leaf, issuer = development_pki().chain(RSA)
    token = der_token(pki_path(issuer.der, leaf.der), f"{X509}#X509PKIPathv1")
    verified = received(ByHand(token=token, key_info=reference_to(f"{X509}#X509PKIPathv1")).sent())
    assert verified.certificate.certificate == leaf


def test_certificate_may_stand_in_key_info() -> None:
    certificate = development_pki().certificate(RSA)
    encoded = base64.encodebytes(certificate.der).decode()  # in lines
    serial = certificate.x509.serial_number
    issuer_serial = (
        "<ds:X509IssuerSerial><ds:X509IssuerName>CN=Den Danske Stat OCES udstedende-CA 1</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{serial}</ds:X509SerialNumber></ds:X509IssuerSerial>"
    )
    for data in (
        f"<ds:X509Data><ds:X509Certificate>\n{encoded}</ds:X509Certificate></ds:X509Data>",
        f"<ds:X509Data>{issuer_serial}<ds:X509Certificate>{encoded}</ds:X509Certificate></ds:X509Data>",
    ):
        for key_info in (data, f"<wsse:SecurityTokenReference>{data}</wsse:SecurityTokenReference>"):
            assert received(ByHand(token="", key_info=key_info).sent()).certificate.certificate == certificate


def test_certificate_may_be_embedded_in_a_key_identifier() -> None:
    certificate = development_pki().certificate(RSA)
    key_info = key_identifier(f"{X509}#X509v3", base64.b64encode(certificate.der).decode())
    assert received(ByHand(token="", key_info=key_info).sent()).certificate.certificate == certificate


def identifiers(certificate: Certificate) -> dict[str, str]:
    sha1 = hashlib.sha1(certificate.der, usedforsecurity=False).digest()
    issuer_serial = (
        "<ds:X509IssuerSerial><ds:X509IssuerName>CN=Den Danske Stat OCES udstedende-CA 1</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{certificate.x509.serial_number}</ds:X509SerialNumber></ds:X509IssuerSerial>"
    )
    data = f"<ds:X509Data>{issuer_serial}</ds:X509Data>"
    return {
        "issuer and serial number": f"<wsse:SecurityTokenReference>{data}</wsse:SecurityTokenReference>",
        "subject key identifier": key_identifier(
            f"{X509}#X509SubjectKeyIdentifier", subject_key(certificate)
        ),
        "thumbprint": key_identifier(THUMBPRINT, base64.b64encode(sha1).decode()),
    }


@pytest.mark.parametrize("form", ["issuer and serial number", "subject key identifier", "thumbprint"])
def test_certificate_that_is_only_identified_is_the_token_or_a_registered_one(form: str) -> None:
    certificate = development_pki().certificate(RSA)
    key_info = identifiers(certificate)[form]
    assert received(ByHand(key_info=key_info).sent()).certificate.certificate == certificate
    without_token = ByHand(token="", key_info=key_info).sent()
    assert received(without_token, registered=registry).certificate.certificate == certificate
    with pytest.raises(TrustError) as refusal:
        received(without_token)
    assert refusal.value.code is Code.CERTIFICATE_UNTRUSTED


# --- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("created", "expires"),
    [
        pytest.param(timedelta(0), timedelta(minutes=15), id="longest_lifetime"),
        pytest.param(timedelta(seconds=300), timedelta(seconds=600), id="clock_ahead_by_the_skew"),
        pytest.param(timedelta(seconds=-600), timedelta(seconds=-299), id="expired_within_the_skew"),
    ],
)
def test_timestamp_within_the_accepted_time_is_accepted(created: timedelta, expires: timedelta) -> None:
    assert (
        received(ByHand(created=stamp(AT + created), expires=stamp(AT + expires)).sent()).created
        == AT + created
    )


@pytest.mark.parametrize(
    ("created", "expires"),
    [
        pytest.param(timedelta(0), timedelta(minutes=15, seconds=1), id="lives_too_long"),
        pytest.param(timedelta(seconds=301), timedelta(seconds=600), id="from_the_future"),
        pytest.param(timedelta(seconds=-600), timedelta(seconds=-300), id="expired"),
        pytest.param(timedelta(seconds=1), timedelta(seconds=1), id="no_lifetime"),
        pytest.param(timedelta(seconds=60), timedelta(seconds=0), id="expires_before_it_was_created"),
    ],
)
def test_timestamp_outside_the_accepted_time_is_refused(created: timedelta, expires: timedelta) -> None:
    with pytest.raises(TrustError) as refusal:
        received(ByHand(created=stamp(AT + created), expires=stamp(AT + expires)).sent())
    assert refusal.value.code is Code.TIMESTAMP_OUTSIDE


@pytest.mark.parametrize("fraction", [".1", ".123", ".1234567", ".123456789"])
def test_fraction_of_a_second_may_have_nine_digits(fraction: str) -> None:
    verified = received(ByHand(created=stamp(AT).replace("Z", f"{fraction}Z")).sent())
    assert timedelta(0) < verified.created - AT < timedelta(seconds=1)


def test_utc_may_be_written_as_an_offset_of_zero() -> None:
    assert received(ByHand(created=stamp(AT).replace("Z", "+00:00")).sent()).created == AT


# --- attachments ----------------------------------------------------------------------------------------------------

CONTENTS = (b"", b"\x00", b"%PDF" * 70_000, bytes(range(256)) * 3)


@pytest.mark.parametrize("mtom", [True, False])
@pytest.mark.parametrize("version", list(SoapVersion))
def test_attachments_are_verified_and_handed_on_as_views(version: SoapVersion, mtom: bool) -> None:
    sent = golden_with_parts(*CONTENTS, mtom=mtom, version=version)
    verified = received(sent)
    assert tuple(bytes(verified.attachments[f"file-{number}@test"]) for number in range(4)) == CONTENTS
    assert all(view.obj is sent.body for view in verified.attachments.values())


def test_element_whose_content_travels_as_a_part_is_left_empty_and_mapped_to_it() -> None:
    verified = received(golden_with_parts(b"a", b"b", mtom=True))
    contents = verified.payload.findall(f".//{tag(SERVICE, 'Content')}")
    assert [verified.included[content] for content in contents] == ["file-0@test", "file-1@test"]
    assert [(content.text, len(content)) for content in contents] == [(None, 0), (None, 0)]


def test_mtom_signature_is_over_the_document_with_its_content_inline() -> None:
    """XOP §1: what is signed is the original infoset, so the same signature holds for the inline form."""
    content = b"%PDF" * 100
    part = NewPart("file-0@test", "application/pdf", content)
    octets = secure(
        letter(SoapVersion.SOAP_11, [part], mtom=True),
        signing_key(RSA),
        AT,
        attachments=[part],
    )
    include = b'<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:file-0@test"></xop:Include>'
    assert octets.count(include) == 1
    inline = received(Sent("text/xml", octets.replace(include, base64.b64encode(content))))
    assert inline.payload.findtext(f".//{tag(SERVICE, 'Content')}") == base64.b64encode(content).decode()
    assert not inline.included


def test_mixed_message_has_some_content_included_and_some_beside() -> None:
    inside, beside = NewPart("a@test", "application/pdf", b"a"), NewPart("b@test", "image/png", b"b")
    key = signing_key(RSA)
    octets = secure(letter(SoapVersion.SOAP_12, [inside], mtom=True), key, AT, attachments=[inside, beside])
    built = build_related(octets, "application/soap+xml", [inside, beside], mtom=True)
    assert set(received(Sent(built.content_type, built.body)).attachments) == {"a@test", "b@test"}


@pytest.mark.parametrize("name", ["http://tempuri.org/1", "a%40b@test", "urn:uuid:1+2@c=d"])
@pytest.mark.parametrize("mtom", [True, False])
def test_content_id_with_characters_to_escape_is_found(name: str, mtom: bool) -> None:
    part = NewPart(name, "application/pdf", b"a")
    tree = letter(SoapVersion.SOAP_11, [], mtom=True)
    if mtom:
        tree = letter(
            SoapVersion.SOAP_11, [NewPart(name.replace("%", "%25"), "application/pdf", b"")], mtom=True
        )
    octets = secure(tree, signing_key(RSA), AT, attachments=[part])
    built = build_related(octets, "text/xml", [part], mtom=mtom)
    assert bytes(received(Sent(built.content_type, built.body)).attachments[name]) == b"a"


def test_transform_that_node_soap_names_beside_changes_nothing() -> None:
    """XML Signature 1.1 §6.6.4: enveloped-signature removes a signature that stands inside; here none does."""

    def as_node_does(references: list[Ref]) -> None:
        for reference in references:
            reference.transforms = (
                f'<ds:Transform Algorithm="{DS}enveloped-signature"/>{reference.transforms}'
            )

    assert received(ByHand(change_references=as_node_does).sent()).operation == "Ping"


def as_a_part(token: str) -> str:
    """A token that travels beside the envelope, as CXF sends it with MTOM."""
    start, rest = token.split(">", 1)
    inside = '<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:token@test"/>'
    return f"{start}>{inside}<{rest.split('<', 1)[1]}"


@pytest.mark.parametrize("is_signed", [True, False])
def test_token_may_travel_as_a_part(is_signed: bool) -> None:
    """XOP §3.2; CXF signs that part too where it signs attachments, and only then."""
    der = development_pki().certificate(RSA).der
    transform = f'<ds:Transform Algorithm="{SWA_CONTENT}"/>'
    references = [Ref("cid:token@test", der, transform)] if is_signed else []
    octets = ByHand(token=as_a_part(der_token(der)), more_references=references).sent().body
    token = NewPart("token@test", "application/ciphervalue", der)
    built = build_related(octets, "text/xml", [token], mtom=True)
    verified = received(Sent(built.content_type, built.body))
    assert verified.certificate.certificate == development_pki().certificate(RSA)
    assert not verified.attachments


def test_include_beside_swa_attachments_is_signed_as_it_stands() -> None:
    """CXF includes base64 values in messages with SwA attachments, signs the Includes, and every part besides."""
    part = NewPart("file-0@test", "application/octet-stream", b"%PDF")
    payload = letter(SoapVersion.SOAP_11, [part], mtom=True).find(f".//{tag(SERVICE, 'SendLetter')}")
    assert payload is not None
    reference = Ref("cid:file-0@test", b"%PDF", f'<ds:Transform Algorithm="{SWA_CONTENT}"/>')
    by_hand = ByHand(body=etree.tostring(payload).decode(), more_references=[reference])
    built = build_related(by_hand.sent().body, "text/xml", [part], mtom=False)
    verified = received(Sent(built.content_type, built.body))
    assert list(verified.included.values()) == ["file-0@test"]
    assert bytes(verified.attachments["file-0@test"]) == b"%PDF"


def test_text_attachment_is_digested_with_network_line_ends() -> None:
    """SwA Profile 1.1.1 §5.4.2: content of type text is put into the canonical form of MIME."""
    sent = golden_with_parts(b"one\ntwo\r\nthree\rfour", mtom=False, media_type="text/plain")
    assert bytes(received(sent).attachments["file-0@test"]) == b"one\ntwo\r\nthree\rfour"
    expected = hashlib.sha256(b"one\r\ntwo\r\nthree\r\nfour").digest()
    assert digest_content("TEXT/plain", b"one\ntwo\r\nthree\rfour") == expected
    assert digest_content("application/pdf", b"one\ntwo") == hashlib.sha256(b"one\ntwo").digest()


def test_part_reference_by_hand_is_verified() -> None:
    transform = f'<ds:Transform Algorithm="{SWA_CONTENT}"/>'
    octets = ByHand(more_references=[Ref("cid:a@test", b"%PDF", transform)]).sent().body
    built = build_related(octets, "text/xml", [NewPart("a@test", "application/pdf", b"%PDF")], mtom=False)
    assert bytes(received(Sent(built.content_type, built.body)).attachments["a@test"]) == b"%PDF"


# --- replay ---------------------------------------------------------------------------------------------------------


def test_same_message_has_the_same_replay_keys_and_a_fresh_one_others() -> None:
    sent = golden(headers=addressing(MessageID="urn:uuid:1"))
    first, again = replay_keys(received(sent)), replay_keys(received(sent))
    assert first == again
    assert len(set(first)) == 2
    fresh = replay_keys(received(golden(headers=addressing(MessageID="urn:uuid:2"))))
    assert not set(first) & set(fresh)


def test_reused_message_id_is_seen_under_a_fresh_signature() -> None:
    first, second = (
        replay_keys(
            received(golden(at=AT + timedelta(seconds=n), headers=addressing(MessageID="urn:uuid:1")))
        )
        for n in range(2)
    )
    assert len(set(first) & set(second)) == 1


def test_message_id_of_another_system_is_another_key() -> None:
    first, second = (
        replay_keys(received(golden(key=key, headers=addressing(MessageID="urn:uuid:1"))))
        for key in (RSA, P256)
    )
    assert not set(first) & set(second)


def test_same_signed_info_of_another_system_is_another_key() -> None:
    first, second = (received(ByHand(key=key).sent()) for key in (RSA, RSA_2048))
    assert first.request_digest == second.request_digest
    assert not set(replay_keys(first)) & set(replay_keys(second))


def test_message_without_message_id_has_one_replay_key() -> None:
    assert len(replay_keys(received(golden()))) == 1


def test_ids_of_a_secured_message_differ_from_those_of_every_other() -> None:
    ids = [set(etree.fromstring(golden().body).xpath("//@*[local-name()='Id']")) for _ in range(2)]
    assert ids[0].isdisjoint(ids[1])


def test_unsigned_message_is_refused_as_such() -> None:
    unsigned = etree.tostring(ping())
    with pytest.raises(TrustError) as refusal:
        verify(
            unpack("text/xml", None, unsigned),
            development_pki().trust_store(),
            development_pki().revocations(),
            AT,
        )
    assert refusal.value.code is Code.SECURITY_MISSING
