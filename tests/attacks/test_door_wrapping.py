"""The signed parts are still in the message, but not where they are read; or more is read than was signed."""

from __future__ import annotations

import copy

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.xmlcore.namespaces import SERVICE, SOAP_11, SOAP_12, WSA, WSSE, tag
from tests.attacks import test_message_signature as moves
from tests.attacks.door import FORGED, Case, Door
from tests.attacks.pens import MUNICIPALITY_ADDRESS, addressed, headed, rewritten, spoken, tampered
from tests.attacks.test_message_signature import (
    BODY,
    HEADER,
    ID,
    SECURITY,
    SIGNATURE,
    TIMESTAMP,
    TOKEN,
    append_to,
    remove,
    second,
    set_attribute,
    set_text,
    wrap,
)
from tests.messages import Ref, one

COVERAGE, EXACT = "protocol.wss_coverage:read_coverage", "protocol.wss_coverage:_require_exact"
HEADERS, PARTS = "protocol.wss_header:read_security_header", "protocol.soap:elements"
SHAPE, BLOCKS, ADDRESSING = (
    "protocol.soap:_shape",
    "protocol.soap:_header_blocks",
    "protocol.soap:_check_addressing",
)
IDS, DIGEST, PAYLOAD = (
    "xmlcore.shape:index_ids",
    "crypto.xmldsig:check_digest_value",
    "protocol.soap:_only_payload",
)
SEEN = "XML Signature Best Practices §2.3"
WSS, CORE = "WSS: SOAP Message Security §5", "WS-Addressing 1.0 Core §3.2"
MALFORMED, MISSING = Code.SOAP_MALFORMED, Code.SECURITY_MISSING
NOT_SHAPED, UNCOVERED = Code.SIGNATURE_SHAPE, Code.SIGNATURE_COVERAGE
UNSIGNED, OTHER_DIGEST = Code.ADDRESSING_UNSIGNED, Code.SIGNATURE_DIGEST
OPERATION = f'<Ping xmlns="{SERVICE}"><Echo>{FORGED}</Echo></Ping>'


def _version_12_in_11(tree: etree._Element) -> None:
    one(tree, HEADER).tag = tag(SOAP_12, "Header")


def _second_header(tree: etree._Element) -> None:
    tree.insert(0, copy.deepcopy(one(tree, HEADER)))


def _header_after_the_body(tree: etree._Element) -> None:
    tree.append(one(tree, HEADER))


def _timestamp_copied_with_its_id_away(tree: etree._Element) -> None:
    """The signed Timestamp has expired and is kept where its id leads; a fresh one stands where it is read."""
    stale = one(tree, TIMESTAMP)
    fresh = copy.deepcopy(stale)
    del fresh.attrib[ID]
    wrap(tree, stale)
    one(tree, SECURITY).append(fresh)


ADDRESSED = (
    tampered(
        "the body in a header, a forged one in its place",
        EXACT,
        SEEN,
        UNCOVERED,
        moves.body_in_the_header,
        addressed,
    ),
    tampered(
        "the same id on the forged body",
        IDS,
        f"{SEEN}, ids",
        NOT_SHAPED,
        moves.body_in_the_header_with_the_same_id,
        addressed,
    ),
    tampered(
        "the body in the security header",
        HEADERS,
        WSS,
        NOT_SHAPED,
        moves.body_in_the_security_header,
        addressed,
    ),
    tampered(
        "the body in an object of the signature",
        "protocol.wss:verify",
        "XML Signature 1.1 §4.5",
        NOT_SHAPED,
        moves.body_in_an_object,
        addressed,
    ),
    tampered("the body in the forged body", EXACT, SEEN, UNCOVERED, moves.body_in_the_forged_body, addressed),
    tampered("a second body", SHAPE, "SOAP 1.1 §4", MALFORMED, moves.body_beside_the_forged_body, addressed),
    tampered(
        "the id moved to the forged body",
        DIGEST,
        "XML Signature 1.1 §3.2.1",
        OTHER_DIGEST,
        moves.id_moved_to_the_forged_body,
        addressed,
    ),
    tampered(
        "the signed timestamp in a header, another in its place",
        EXACT,
        "WSS: SOAP Message Security §10",
        UNCOVERED,
        _timestamp_copied_with_its_id_away,
        addressed,
    ),
    tampered(
        "the same id on both timestamps",
        IDS,
        "XML 1.0 §3.3.1",
        NOT_SHAPED,
        moves.timestamp_in_a_wrapper_with_the_same_id,
        addressed,
    ),
    tampered(
        "the signed action in a header, another in its place",
        EXACT,
        "WS-Addressing 1.0 Core §3",
        UNCOVERED,
        moves.action_in_a_wrapper,
        addressed,
    ),
    tampered(
        "a signature beside the security header",
        HEADERS,
        WSS,
        MISSING,
        moves.signature_beside_the_security_header,
        addressed,
    ),
    tampered(
        "the security header in a header",
        HEADERS,
        WSS,
        MISSING,
        moves.security_header_in_a_wrapper,
        addressed,
    ),
    tampered(
        "the security header in the body",
        HEADERS,
        WSS,
        MISSING,
        moves.security_header_in_the_body,
        addressed,
    ),
    tampered(
        "two ids of one element", IDS, "XML 1.0 §3.3.1", NOT_SHAPED, moves.id_under_two_names, addressed
    ),
    tampered(
        "the id under another name elsewhere",
        IDS,
        f"{SEEN}, ids",
        NOT_SHAPED,
        moves.same_id_under_another_name_elsewhere,
        addressed,
    ),
    tampered(
        "a signed addressing header taken away",
        COVERAGE,
        "WS-Addressing 1.0 Core §3",
        UNCOVERED,
        remove("//wsa:Action"),
        addressed,
    ),
    tampered(
        "a changed MessageID",
        DIGEST,
        "WS-Addressing 1.0 Core §3",
        OTHER_DIGEST,
        set_text("//wsa:MessageID", "urn:uuid:2"),
        addressed,
    ),
)

SECURED = (
    tampered("no security header", HEADERS, WSS, MISSING, remove(SECURITY)),
    tampered("no signature", HEADERS, WSS, MISSING, remove(SIGNATURE)),
    tampered("no timestamp", HEADERS, "WSS: SOAP Message Security §10", MISSING, remove(TIMESTAMP)),
    tampered("two security headers", BLOCKS, WSS, MALFORMED, second(SECURITY)),
    tampered(
        "a security header for somebody else",
        BLOCKS,
        "SOAP 1.1 §4.2.2",
        MALFORMED,
        set_attribute(SECURITY, tag(SOAP_11, "actor"), "urn:other"),
    ),
    tampered("two signatures", HEADERS, WSS, NOT_SHAPED, second(SIGNATURE)),
    tampered("two timestamps", HEADERS, "WSS: SOAP Message Security §10", NOT_SHAPED, second(TIMESTAMP)),
    tampered("two tokens", HEADERS, WSS, NOT_SHAPED, second(TOKEN)),
    tampered(
        "a password beside the signature",
        HEADERS,
        WSS,
        NOT_SHAPED,
        append_to(SECURITY, f'<UsernameToken xmlns="{WSSE}"/>'),
    ),
    tampered(
        "a SAML assertion beside the signature", HEADERS, WSS, NOT_SHAPED, append_to(SECURITY, moves.SAML)
    ),
    tampered(
        "an encrypted key beside the signature",
        HEADERS,
        WSS,
        NOT_SHAPED,
        append_to(SECURITY, moves.ENCRYPTED_KEY),
    ),
    tampered("text in the security header", PARTS, WSS, MALFORMED, set_text(SECURITY, "text")),
    tampered("text in the envelope", PARTS, "SOAP 1.1 §4", MALFORMED, set_text("/s11:Envelope", "text")),
    tampered("text in the body", PARTS, "SOAP 1.1 §4", MALFORMED, set_text(BODY, "text")),
    tampered("a second payload", PAYLOAD, "SOAP 1.1 §4", MALFORMED, append_to(BODY, OPERATION)),
    tampered("no payload", PAYLOAD, "SOAP 1.1 §4", MALFORMED, remove("//svc:SendLetter")),
    tampered(
        "an element after the body", SHAPE, "SOAP 1.1 §4", MALFORMED, append_to("/s11:Envelope", OPERATION)
    ),
    tampered("two headers", SHAPE, "SOAP 1.1 §4", MALFORMED, _second_header),
    tampered("the header after the body", SHAPE, "SOAP 1.1 §4", MALFORMED, _header_after_the_body),
    tampered("a header of the other version", SHAPE, "SOAP 1.2 §5", MALFORMED, _version_12_in_11),
    tampered(
        "a header that must be understood",
        BLOCKS,
        "SOAP 1.1 §4.2.3",
        Code.SOAP_MUST_UNDERSTAND,
        append_to(HEADER, f'<Pay xmlns="urn:x" xmlns:s="{SOAP_11}" s:mustUnderstand="1"/>'),
    ),
    tampered(
        "a header that must perhaps be understood",
        "protocol.soap:_must_be_understood",
        "SOAP 1.1 §4.2.3",
        MALFORMED,
        append_to(HEADER, f'<Pay xmlns="urn:x" xmlns:s="{SOAP_11}" s:mustUnderstand="maybe"/>'),
    ),
    tampered(
        "a changed letter",
        DIGEST,
        "XML Signature 1.1 §3.2.1",
        OTHER_DIGEST,
        lambda tree: setattr(tree.find(".//{*}DocumentId"), "text", "7e4d6d9c-0e39-4f1c-8f0e-2d8c0ce9e1a1"),
    ),
    tampered(
        "a letter with an element more",
        DIGEST,
        "XML Signature 1.1 §3.2.1",
        OTHER_DIGEST,
        append_to("//svc:SendLetter", OPERATION),
    ),
    tampered(
        "another operation around the letter",
        DIGEST,
        "XML Signature 1.1 §3.2.1",
        OTHER_DIGEST,
        lambda tree: setattr(one(tree, "//svc:SendLetter"), "tag", tag(SERVICE, "SendNotice")),
    ),
    tampered(
        "a time that was moved",
        DIGEST,
        "WSS: SOAP Message Security §10",
        OTHER_DIGEST,
        lambda tree: setattr(
            one(tree, "//wsu:Created"), "text", (one(tree, "//wsu:Created").text or "")[:19] + ".5Z"
        ),
    ),
    rewritten(
        "a comment in the timestamp",
        "xmlcore.shape:children",
        WSS,
        NOT_SHAPED,
        b"<wsu:Created>",
        b"<!-- --><wsu:Created>",
    ),
    rewritten(
        "a comment in SignedInfo",
        "crypto.xmldsig:parse_signature",
        SEEN,
        NOT_SHAPED,
        b"<ds:SignedInfo>",
        b"<ds:SignedInfo><!-- -->",
    ),
    tampered(
        "no method",
        "crypto.xmldsig:_read_signed_info",
        "XML Signature 1.1 §4.4",
        NOT_SHAPED,
        remove("//ds:SignatureMethod"),
    ),
    headed(
        "an addressing header that nobody signed",
        EXACT,
        "WS-Addressing 1.0 Core §3",
        UNSIGNED,
        f'<w:To xmlns:w="{WSA}">{MUNICIPALITY_ADDRESS}</w:To>',
    ),
)

SIGNED_OTHERWISE = (
    spoken("nobody signed the timestamp", EXACT, "WSS: SOAP Message Security §10", UNCOVERED, sign=["B"]),
    spoken("nobody signed the body", EXACT, SEEN, UNCOVERED, sign=["TS"]),
    spoken("the body signed twice", EXACT, f"{SEEN}, once", UNCOVERED, sign=["B", "TS", "B"]),
    spoken(
        "a header signed that nobody reads",
        EXACT,
        f"{SEEN}, exactly",
        UNCOVERED,
        headers='<x wsu:Id="X"/>',
        sign=["B", "TS", "X"],
    ),
    spoken(
        "the payload signed in place of the body",
        EXACT,
        SEEN,
        UNCOVERED,
        body=f'<Ping xmlns="{SERVICE}" wsu:Id="P"/>',
        sign=["P", "TS"],
    ),
    spoken(
        "one addressing header of two unsigned",
        EXACT,
        "WS-Addressing 1.0 Core §3",
        UNSIGNED,
        headers='<wsa:Action wsu:Id="A">SendLetter</wsa:Action><wsa:RelatesTo>a</wsa:RelatesTo>',
        sign=["B", "TS", "A"],
    ),
    spoken(
        "the whole message referenced",
        COVERAGE,
        "XML Signature 1.1 §4.4.3.2",
        UNCOVERED,
        more_references=[Ref("", b"")],
    ),
    spoken(
        "a reference to nowhere",
        COVERAGE,
        "XML Signature 1.1 §4.4.3.2",
        UNCOVERED,
        more_references=[Ref("#nowhere", b"")],
    ),
    spoken(
        "an addressing property twice",
        ADDRESSING,
        CORE,
        MALFORMED,
        headers='<wsa:To wsu:Id="A">a</wsa:To><wsa:To wsu:Id="C">b</wsa:To>',
        sign=["B", "TS", "A", "C"],
    ),
    spoken(
        "an answer to be sent elsewhere",
        ADDRESSING,
        "WS-Addressing 1.0 Core §3",
        MALFORMED,
        headers='<wsa:ReplyTo wsu:Id="A"><wsa:Address>https://a.example/</wsa:Address></wsa:ReplyTo>',
        sign=["B", "TS", "A"],
    ),
    spoken(
        "a fault to be sent elsewhere",
        ADDRESSING,
        "WS-Addressing 1.0 Core §3",
        MALFORMED,
        headers='<wsa:FaultTo wsu:Id="A"><wsa:Address>https://a.example/</wsa:Address></wsa:FaultTo>',
        sign=["B", "TS", "A"],
    ),
    spoken(
        "an action that holds elements",
        ADDRESSING,
        "WS-Addressing 1.0 Core §3",
        MALFORMED,
        headers='<wsa:Action wsu:Id="A">SendLetter<x/></wsa:Action>',
        sign=["B", "TS", "A"],
    ),
    spoken(
        "a MessageID with spaces",
        ADDRESSING,
        CORE,
        MALFORMED,
        headers='<wsa:MessageID wsu:Id="A"> urn:uuid:1</wsa:MessageID>',
        sign=["B", "TS", "A"],
    ),
    spoken("an id that is no name", IDS, "Namespaces in XML 1.0 §3", NOT_SHAPED, headers='<x wsu:Id="a b"/>'),
)

CASES: tuple[Case, ...] = (*ADDRESSED, *SECURED, *SIGNED_OTHERWISE)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_message_of_which_more_is_read_than_was_signed_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)
