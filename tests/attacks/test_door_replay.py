"""Good messages that come again, too late, too early, to another service, or under an id that is taken."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.interfaces.http import HttpRequest
from gateway.xmlcore.namespaces import SERVICE
from tests.attacks.door import ADDRESS, Case, Door, Left
from tests.attacks.pens import (
    MUNICIPALITY_ADDRESS,
    addressed,
    letter,
    mtom,
    posted,
    sent,
    signed_letter,
    spoken,
    swa,
)
from tests.installation import INSTITUTION, MUNICIPALITY
from tests.messages import addressing, stamp
from tests.pki import development_pki
from tests.services.papers import id_of, notice, paper, request, sending

REPLAYED, CURRENT, TIME = (
    "storage.replay:remember",
    "protocol.wss_header:require_current",
    "protocol.wss_header:_time",
)
STAMPED, ANSWER = "protocol.wss_header:_timestamp", "interfaces.soap_endpoint:SoapEndpoint._answer"
WSS_TIME = "WSS: SOAP Message Security §10"
ONCE, LATE, SHAPE = Code.MESSAGE_REPLAYED, Code.TIMESTAMP_OUTSIDE, Code.SIGNATURE_SHAPE
AT = development_pki().at + timedelta(minutes=1)  # where the clock of the installation stands


def _again(
    name: str,
    clause: str,
    good: Callable[[Door], HttpRequest],
    change: Callable[[HttpRequest], HttpRequest] = lambda same: same,
) -> Case:
    """The message was received; then it comes again."""

    def bad(door: Door) -> HttpRequest:
        first = good(door)
        door.passes(first)
        return change(first)

    return sent(name, REPLAYED, clause, ONCE, bad, good, Left.ANSWER)


def _question(door: Door) -> HttpRequest:
    document = paper(door.house.clock())
    door.passes(posted(door, sending(document)))
    return posted(door, request("GetStatus", MUNICIPALITY, DocumentId=id_of(document)))


def _same_message_id(door: Door) -> HttpRequest:
    """A fresh letter under the MessageID of one that was received."""
    document = paper(door.house.clock())
    door.passes(posted(door, sending(document), addressing(MessageID=f"urn:uuid:{id_of(document)}")))
    return posted(
        door, sending(paper(door.house.clock())), addressing(MessageID=f"urn:uuid:{id_of(document)}")
    )


def _written_otherwise(request: HttpRequest) -> HttpRequest:
    """Other octets, the same message."""
    root = etree.fromstring(request.body)
    etree.SubElement(root[0], "{urn:x}Note").text = "x"
    return replace(request, body=etree.tostring(root, encoding="utf-8", xml_declaration=True))


def _with_the_whole_chain(request: HttpRequest) -> HttpRequest:
    """The token, which nobody signs, is the path of the same certificate."""
    root = etree.fromstring(request.body)
    (token,) = root.iter("{*}BinarySecurityToken")
    (reference,) = token.getparent().iter("{*}SecurityTokenReference")  # type: ignore[union-attr]  # it has one
    path = b"".join(each.der for each in reversed(development_pki().chain("eksempelby-esdh")))
    token.text = base64.b64encode(b"\x30\x82" + len(path).to_bytes(2, "big") + path).decode()
    kind = token.get("ValueType", "").replace("#X509v3", "#X509PKIPathv1")
    token.set("ValueType", kind)
    reference[0].set("ValueType", kind)
    return replace(request, body=etree.tostring(root))


def _under_an_id_of_another_content(door: Door) -> HttpRequest:
    document = paper(door.house.clock())
    door.passes(posted(door, sending(document)))
    other = paper(door.house.clock(), document_id=id_of(document))
    return posted(door, sending(other))


def _under_an_id_that_the_school_used(door: Door) -> HttpRequest:
    told = notice(door.house.clock())
    told_request = posted(door, sending(told, by=INSTITUTION), key="proeveby-sis")
    door.passes(replace(told_request, path="/institution/1"))
    return posted(door, sending(paper(door.house.clock(), document_id=id_of(told))))


def _to(address: str) -> Callable[[Door], HttpRequest]:
    return lambda door: posted(door, sending(paper(door.house.clock())), addressing(To=address))


def _at_another_service(door: Door) -> HttpRequest:
    """A letter that was signed for its own service is carried to the other one."""
    return replace(_to(MUNICIPALITY_ADDRESS)(door), path="/institution/1")


def _action(door: Door) -> HttpRequest:
    return replace(letter(door), headers={**letter(door).headers, "soapaction": f'"{SERVICE}/SendNotice"'})


CASES = (
    _again("a letter", "threat model, SOAP services, S: replay", letter),
    _again("a letter with addressing", "WS-Addressing 1.0 Core §3.2", addressed),
    _again("a signed letter", "threat model, SOAP services, S: replay", signed_letter),
    _again("a letter with an attachment", "threat model, SOAP services, S: replay", swa),
    _again("a letter with an attachment by MTOM", "threat model, SOAP services, S: replay", mtom),
    _again("a question", "threat model, SOAP services, S: replay", _question),
    _again("a letter written otherwise", "XML Signature Best Practices §2.3", letter, _written_otherwise),
    _again(
        "a letter with another form of its certificate",
        "WSS X.509 Token Profile 1.1.1 §3.1",
        letter,
        _with_the_whole_chain,
    ),
    sent(
        "a letter under a known MessageID",
        REPLAYED,
        "WS-Addressing 1.0 Core §3.2",
        ONCE,
        _same_message_id,
        addressed,
        Left.ANSWER,
    ),
    spoken(
        "a message that expired",
        CURRENT,
        WSS_TIME,
        LATE,
        created=stamp(AT - timedelta(minutes=11)),
        expires=stamp(AT - timedelta(minutes=6)),
    ),
    spoken(
        "a message that expires now, with the skew",
        CURRENT,
        WSS_TIME,
        LATE,
        created=stamp(AT - timedelta(minutes=10)),
        expires=stamp(AT - timedelta(minutes=5)),
    ),
    spoken(
        "a message from the future",
        CURRENT,
        WSS_TIME,
        LATE,
        created=stamp(AT + timedelta(minutes=5, seconds=1)),
        expires=stamp(AT + timedelta(minutes=9)),
    ),
    spoken(
        "a message that lives too long",
        CURRENT,
        WSS_TIME,
        LATE,
        expires=stamp(AT + timedelta(minutes=15, seconds=1)),
    ),
    spoken("a message that lives for ever", CURRENT, WSS_TIME, LATE, expires="9999-12-31T23:59:59Z"),
    spoken(
        "a message that ended before it began",
        CURRENT,
        WSS_TIME,
        LATE,
        expires=stamp(AT - timedelta(seconds=1)),
    ),
    spoken("a time without zone", TIME, WSS_TIME, SHAPE, created=stamp(AT).rstrip("Z")),
    spoken(
        "a time of another zone",
        TIME,
        "XML Schema Part 2 §3.2.7",
        SHAPE,
        created=stamp(AT).replace("Z", "+01:00"),
    ),
    spoken("a day that is none", TIME, "XML Schema Part 2 §3.2.7", SHAPE, created="2026-02-30T00:00:00Z"),
    spoken(
        "a time in full-width digits",
        TIME,
        "XML Schema Part 2 §3.2.7",
        SHAPE,
        created=stamp(AT).replace("2", "２", 1),
    ),
    spoken(
        "a timestamp without end",
        STAMPED,
        WSS_TIME,
        SHAPE,
        security='{token}<wsu:Timestamp wsu:Id="TS"><wsu:Created>'
        + stamp(AT)
        + "</wsu:Created></wsu:Timestamp>{signature}",
    ),
    sent(
        "a letter to another gateway",
        ANSWER,
        "WS-Addressing 1.0 Core §3",
        Code.ADDRESSING_OTHER_SERVICE,
        _to("https://gateway.example/municipality/1"),
        addressed,
        Left.EVIDENCE,
    ),
    sent(
        "a letter to another door of this gateway",
        ANSWER,
        "WS-Addressing 1.0 Core §3",
        Code.ADDRESSING_OTHER_SERVICE,
        _to(f"{ADDRESS}/institution/1"),
        addressed,
        Left.EVIDENCE,
    ),
    sent(
        "a letter to an address with a user",
        ANSWER,
        "RFC 3986 §3.2.1",
        Code.ADDRESSING_OTHER_SERVICE,
        _to(MUNICIPALITY_ADDRESS.replace("://", "://a@")),
        addressed,
        Left.EVIDENCE,
    ),
    sent(
        "a letter carried to another door",
        ANSWER,
        "WS-Addressing 1.0 Core §3",
        Code.ADDRESSING_OTHER_SERVICE,
        _at_another_service,
        addressed,
        Left.EVIDENCE,
    ),
    sent(
        "another action beside the message",
        "protocol.soap:check_action",
        "SOAP 1.1 §6.1.1",
        Code.SOAP_ACTION_MISMATCH,
        _action,
    ),
    sent(
        "another content under a known id",
        "services.submission:_first_result",
        "RFC 9562 §6.7",
        Code.DUPLICATE_DIFFERENT,
        _under_an_id_of_another_content,
        letter,
        Left.EVIDENCE,
    ),
    sent(
        "an id that another party used",
        "storage.documents:require_free_id",
        "threat model, SOAP services, I: ids",
        Code.DOCUMENT_ID_TAKEN,
        _under_an_id_that_the_school_used,
        letter,
        Left.EVIDENCE,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_message_that_does_not_count_here_and_now_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)
