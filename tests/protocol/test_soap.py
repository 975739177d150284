"""Envelopes of both versions are taken apart exactly as real clients send them, and ours have the prescribed form."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, InternalError, TrustError, UnavailableError
from gateway.protocol.mime import NewPart, build_related
from gateway.protocol.soap import (
    FaultCode,
    SoapVersion,
    Unpacked,
    answer_addressing,
    check_action,
    envelope,
    fault,
    fault_code,
    is_addressed_to,
    unpack,
)
from gateway.xmlcore.namespaces import SERVICE, SOAP_11, SOAP_12, WSA, WSSE

PING = f'<Ping xmlns="{SERVICE}"/>'
XML_11, XML_12 = "text/xml; charset=utf-8", "application/soap+xml; charset=utf-8"


def message(headers: str = "", body: str = PING, namespace: str = SOAP_11) -> bytes:
    start = f'<s:Envelope xmlns:s="{namespace}" xmlns:wsa="{WSA}">'
    return f"{start}<s:Header>{headers}</s:Header><s:Body>{body}</s:Body></s:Envelope>".encode()


def refusal(octets: bytes, content_type: str = XML_11, action: str | None = None) -> Code:
    with pytest.raises(InputError) as raised:
        check_action(unpack(content_type, action, octets))
    return raised.value.code


@pytest.mark.parametrize(("content_type", "namespace"), [(XML_11, SOAP_11), (XML_12, SOAP_12)])
def test_both_versions_are_taken_apart(content_type: str, namespace: str) -> None:
    unpacked = unpack(content_type, None, message(namespace=namespace))
    assert unpacked.version is SoapVersion(namespace)
    assert unpacked.payload.tag == f"{{{SERVICE}}}Ping"
    assert unpacked.security is None
    assert not unpacked.parts


@pytest.mark.parametrize(
    "action", ['"urn:dk:bropost:service:1/Ping"', "Ping", '""', "", None, '"urn:x:PingRequest"']
)
def test_soap_action_may_be_quoted_bare_empty_or_missing(action: str | None) -> None:
    assert check_action(unpack(XML_11, action, message())) == "Ping"


def test_action_of_another_operation_is_refused_wherever_it_stands() -> None:
    other = message(f"<wsa:Action>{SERVICE}/SendLetter</wsa:Action>")
    assert refusal(message(), action=f'"{SERVICE}/SendLetter"') is Code.SOAP_ACTION_MISMATCH
    assert refusal(other) is Code.SOAP_ACTION_MISMATCH
    with_parameter = f'{XML_12}; action="{SERVICE}/SendLetter"'
    assert refusal(message(namespace=SOAP_12), with_parameter) is Code.SOAP_ACTION_MISMATCH
    built = build_related(
        message(), "text/xml", (), mtom=True, parameters={"action": f"{SERVICE}/SendLetter"}
    )
    assert refusal(built.body, built.content_type) is Code.SOAP_ACTION_MISMATCH
    plain = build_related(message(), "text/xml", (), mtom=True)
    outside = f'{plain.content_type}; action="{SERVICE}/SendLetter"'
    assert refusal(plain.body, outside) is Code.SOAP_ACTION_MISMATCH


def test_byte_order_mark_declaration_white_space_and_comments_are_tolerated() -> None:
    text = message().replace(b"<s:Body>", b"\n <!-- body -->\n<s:Body>\r\n ")
    octets = b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>\n" + text
    assert unpack(XML_11, None, octets).payload.tag == f"{{{SERVICE}}}Ping"


@pytest.mark.parametrize("content_type", ["text/xml", "text/xml; charset=UTF8", 'TEXT/XML;charset="utf-8"'])
def test_content_type_of_an_envelope_may_omit_or_quote_its_charset(content_type: str) -> None:
    assert unpack(content_type, None, message()).version is SoapVersion.SOAP_11


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("text/xml; charset=iso-8859-1", Code.XML_ENCODING),
        ("application/json", Code.HTTP_CONTENT_TYPE),
        ("application/soap+xml", Code.SOAP_VERSION),
        ("", Code.MIME_MALFORMED),
    ],
)
def test_other_content_type_is_refused(content_type: str, code: Code) -> None:
    assert refusal(message(), content_type) is code


@pytest.mark.parametrize(
    ("change", "by"),
    [
        pytest.param("<s:Header/>", "<s:Header/><s:Header/>", id="two_headers"),
        pytest.param("</s:Body>", "</s:Body><s:Body/>", id="two_bodies"),
        pytest.param("</s:Body>", "</s:Body><other/>", id="element_after_body"),
        pytest.param("<s:Header/>", "", id="body_only"),
        pytest.param("<s:Header/>", "<s:Other/>", id="other_element"),
        pytest.param("<s:Header/>", "text<s:Header/>", id="text_in_envelope"),
        pytest.param(PING, "", id="empty_body"),
        pytest.param(PING, PING + PING, id="two_elements_in_body"),
        pytest.param(PING, "text" + PING, id="text_in_body"),
        pytest.param("s:Envelope", "s:Letter", id="other_root"),
    ],
)
def test_envelope_of_any_other_shape_is_refused(change: str, by: str) -> None:
    changed = message().decode().replace("<s:Header></s:Header>", "<s:Header/>").replace(change, by)
    if by or change == PING:
        assert refusal(changed.encode()) is Code.SOAP_MALFORMED
    else:
        assert unpack(XML_11, None, changed.encode()).header is None


@pytest.mark.parametrize("value", ["1", "true"])
def test_unknown_header_that_must_be_understood_is_refused(value: str) -> None:
    block = f'<x:Other xmlns:x="urn:x" s:mustUnderstand="{value}"/>'
    assert refusal(message(block)) is Code.SOAP_MUST_UNDERSTAND


@pytest.mark.parametrize(
    "attributes", ['s:mustUnderstand="0"', "", 's:mustUnderstand="1" s:actor="urn:somebody:else"']
)
def test_unknown_header_that_need_not_be_understood_here_is_passed_over(attributes: str) -> None:
    block = f'<x:Other xmlns:x="urn:x" {attributes}/>'
    assert unpack(XML_11, None, message(block)).payload.tag == f"{{{SERVICE}}}Ping"


def test_header_for_the_next_role_is_for_us() -> None:
    block = f'<x:Other xmlns:x="urn:x" s:mustUnderstand="true" s:role="{SOAP_12}/role/next"/>'
    assert refusal(message(block, namespace=SOAP_12), XML_12) is Code.SOAP_MUST_UNDERSTAND


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(f'<w:Security xmlns:w="{WSSE}"/><w:Security xmlns:w="{WSSE}"/>', id="two"),
        pytest.param(f'<w:Security xmlns:w="{WSSE}" s:actor="urn:somebody:else"/>', id="for_somebody_else"),
        pytest.param(
            f'<w:Security xmlns:w="{WSSE}"/><w:Security xmlns:w="{WSSE}" s:actor="urn:a"/>',
            id="one_for_us_of_two",
        ),
    ],
)
def test_security_header_that_is_not_the_only_one_and_ours_is_refused(headers: str) -> None:
    assert refusal(message(headers)) is Code.SOAP_MALFORMED


def test_addressing_headers_are_found_by_name() -> None:
    anonymous = f"<wsa:ReplyTo><wsa:Address>{WSA}/anonymous</wsa:Address></wsa:ReplyTo>"
    unpacked = unpack(XML_11, None, message(f"<wsa:MessageID>urn:uuid:1</wsa:MessageID>{anonymous}"))
    assert unpacked.addressing_value("MessageID") == "urn:uuid:1"
    assert unpacked.addressing_value("To") is None
    assert len(unpacked.addressing) == 2


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param("<wsa:Action>Ping</wsa:Action><wsa:Action>Ping</wsa:Action>", id="action_twice"),
        pytest.param(
            "<wsa:MessageID>a</wsa:MessageID><wsa:MessageID>b</wsa:MessageID>", id="message_id_twice"
        ),
        pytest.param("<wsa:MessageID> a</wsa:MessageID>", id="space_in_message_id"),
        pytest.param("<wsa:MessageID/>", id="empty_message_id"),
        pytest.param("<wsa:Action>Ping<x/></wsa:Action>", id="element_in_action"),
        pytest.param(
            "<wsa:ReplyTo><wsa:Address>http://a.example/</wsa:Address></wsa:ReplyTo>", id="answer_elsewhere"
        ),
        pytest.param("<wsa:FaultTo/>", id="no_address"),
    ],
)
def test_addressing_header_that_could_mean_two_things_is_refused(headers: str) -> None:
    assert refusal(message(headers)) is Code.SOAP_MALFORMED


OURS = "https://gateway.example/municipality/1"


@pytest.mark.parametrize(
    ("to", "address"),
    [
        (None, OURS),
        (f"{WSA}/anonymous", OURS),
        (OURS, OURS),
        ("HTTPS://Gateway.Example/municipality/1", OURS),
        ("https://gateway.example:443/municipality/1", OURS),
        ("https://gateway.example:/municipality/1", OURS),
        (OURS, "https://gateway.example:443/municipality/1"),
        ("http://gateway.example:80/a", "http://gateway.example/a"),
        ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
    ],
)
def test_a_message_may_be_addressed_in_any_form_of_our_address(to: str | None, address: str) -> None:
    assert is_addressed_to(address, to)


@pytest.mark.parametrize(
    "to",
    [
        "https://other.example/municipality/1",
        "https://gateway.example.other.example/municipality/1",
        "http://gateway.example/municipality/1",
        "https://gateway.example:8443/municipality/1",
        "https://gateway.example:80/municipality/1",
        "https://gateway.example:0443/municipality/1",
        "https://gateway.example:x/municipality/1",
        "https://gateway.example/institution/1",
        "https://gateway.example/Municipality/1",
        "https://gateway.example/municipality/1/",
        "https://gateway.example/municipality/%31",
        "https://gateway.example/other/../municipality/1",
        "https://gateway.example/municipality/1?wsdl",
        "https://gateway.example/municipality/1?",
        "https://gateway.example/municipality/1#",
        "https://somebody@gateway.example/municipality/1",
        "https://gateway.example/munici\tpality/1",
        "https://[gateway.example/municipality/1",
        "/municipality/1",
        f"{WSA}/none",
        "",
    ],
)
def test_a_message_that_names_another_address_is_not_for_us(to: str) -> None:
    assert not is_addressed_to(OURS, to)


@pytest.mark.parametrize("version", list(SoapVersion))
@pytest.mark.parametrize("mtom", [True, False])
def test_attachments_travel_beside_the_envelope(version: SoapVersion, mtom: bool) -> None:
    part = NewPart("letter@a", "application/pdf", b"%PDF")
    built = build_related(message(namespace=version.value), version.media_type, [part], mtom=mtom)
    unpacked = unpack(built.content_type, None, built.body)
    assert (unpacked.version, unpacked.is_mtom) == (version, mtom)
    assert unpacked.octets == message(namespace=version.value)
    assert bytes(unpacked.parts["letter@a"].content) == b"%PDF"


@pytest.mark.parametrize("version", list(SoapVersion))
def test_envelope_of_ours_is_taken_apart_again(version: SoapVersion) -> None:
    headers = answer_addressing(f"{SERVICE}/PingResponse", "urn:uuid:1", "urn:uuid:2")
    built = etree.tostring(envelope(version, etree.Element(f"{{{SERVICE}}}PingResponse"), headers))
    unpacked: Unpacked = unpack(version.content_type, None, built)
    assert check_action(unpacked) == "PingResponse"
    assert unpacked.addressing_value("RelatesTo") == "urn:uuid:1"


def test_fault_of_soap_11_has_the_prescribed_form() -> None:
    element = fault(
        SoapVersion.SOAP_11, FaultCode.CLIENT, "Wrong.", "Forkert.", etree.Element("{urn:d}Detail")
    )
    tree = etree.fromstring(etree.tostring(envelope(SoapVersion.SOAP_11, element)))
    found = tree.find(f".//{{{SOAP_11}}}Fault")
    assert found is not None
    assert [(child.tag, child.text) for child in found[:2]] == [
        ("faultcode", "soap:Client"),
        ("faultstring", "Wrong."),
    ]
    assert found.nsmap["soap"] == SOAP_11
    assert found.findtext("detail/{urn:d}Detail") == ""


def test_fault_of_soap_12_has_the_prescribed_form() -> None:
    names = {"s": SOAP_12, "d": "urn:d"}
    element = fault(
        SoapVersion.SOAP_12, FaultCode.SERVER, "Wrong.", "Forkert.", etree.Element("{urn:d}Detail")
    )
    assert element.findtext("s:Code/s:Value", namespaces=names) == "soap:Receiver"
    texts = element.findall("s:Reason/s:Text", names)
    assert [(text.text, text.get("{http://www.w3.org/XML/1998/namespace}lang")) for text in texts] == [
        ("Wrong.", "en"),
        ("Forkert.", "da"),
    ]
    assert element.find("s:Detail/d:Detail", names) is not None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError(Code.SOAP_MUST_UNDERSTAND), FaultCode.MUST_UNDERSTAND),
        (InputError(Code.SOAP_VERSION), FaultCode.VERSION_MISMATCH),
        (InputError(Code.SCHEMA_INVALID), FaultCode.CLIENT),
        (TrustError(Code.SECURITY_MISSING), FaultCode.CLIENT),
        (UnavailableError(Code.BUSY), FaultCode.SERVER),
        (InternalError(Code.INTERNAL), FaultCode.SERVER),
    ],
)
def test_fault_blames_who_must_act(error: BropostError, code: FaultCode) -> None:
    assert fault_code(error) is code
