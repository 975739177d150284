"""What waits for a party is listed until each of its systems has confirmed it, and is given out octet for octet."""

from __future__ import annotations

import base64
import hashlib
import zlib
from datetime import timedelta

import pytest
from lxml import etree
from sqlalchemy import update

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import EntryKind
from gateway.domain.errors import BropostError
from gateway.domain.identifiers import Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Operation
from gateway.domain.operations import Service
from gateway.domain.party import Role, Route
from gateway.protocol.mime import NewPart
from gateway.services import cursors, parties
from gateway.services.content import read_kept
from gateway.storage import documents, log
from gateway.storage.tables_documents import blob
from gateway.translog.leaf import parse_leaf
from gateway.xmlcore.namespaces import SERVICE, XOP, tag
from tests.golden.changes import Insert, Remove, SetText
from tests.installation import INSTITUTION, MUNICIPALITY, OTHER_INSTITUTION, Caller, TestInstallation
from tests.services.papers import (
    SEALED_BY_SYSTEM,
    SEALS,
    accepted,
    attachment,
    confirm,
    deliver_letter,
    evidence,
    grown,
    id_of,
    inbox,
    listing,
    name_part,
    notice,
    paper,
    read,
    request,
    retrieve,
    row_counts,
    sealed,
    send_letter,
    sending,
)

VENDOR = "leverandoer-esdh"
SMALL = "Læringsmål for grundforløbet.\r\nUge 1\n".encode()
IN_A_FILE = b"En plan med mange linjer.\n" * 12_000  # 300 KB: above what is kept in the database


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


# 7.75 MB: above what fits into an answer's text
LARGE = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", bytes((0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0)))
    + _chunk(b"IDAT", bytes(range(250)) * 31_000)
    + _chunk(b"IEND", b"")
)


def second_system(house: TestInstallation) -> Caller:
    """Another system of the school, by mandate."""
    house.mandate(VENDOR, INSTITUTION)
    return house.caller(VENDOR, Service.INSTITUTION)


def _pages(caller: Caller, **texts: str) -> list[list[str]]:
    pages, cursor, more = [], None, True
    while more:
        given = texts if cursor is None else {**texts, "Cursor": cursor}
        order = ("Attention", "Kind", "UnreadOnly", "Cursor", "PageSize")
        answer = accepted(
            caller,
            request("ListInbox", INSTITUTION, **{name: given[name] for name in order if name in given}),
        )
        pages.append(answer.texts("Item/DocumentId"))
        cursor, more = answer.text("NextCursor"), answer.text("More") == "true"
    return pages


# --- listing -------------------------------------------------------------------------------------------


def test_a_line_of_the_inbox_tells_enough_to_hand_it_on_and_names_no_young_person(
    house: TestInstallation,
) -> None:
    document_id = deliver_letter(house)
    answer = accepted(house.sis, request("ListInbox", INSTITUTION))
    assert answer.texts("Item/DocumentId") == [document_id]
    assert answer.texts("Item/Kind") == ["EducationOrderLetter"]
    assert answer.texts("Item/Sender/Name") == ["Eksempelby Kommune"]
    assert answer.texts("Item/Attention/Role") == ["STUDY_COUNSELLOR", "CONTACT_TEACHER"]
    assert answer.texts("Item/Attention/Unit") == ["Træfagene"]
    assert answer.texts("Item/State") == ["AVAILABLE"]
    assert answer.texts("Item/ReceivedAt") == [f"{house.clock():%Y-%m-%dT%H:%M:%SZ}"]
    assert answer.texts("Item/Protected") == ["false"]
    assert b"Alma" not in answer.http.body
    assert b"740305" not in answer.http.body


def test_a_letter_is_in_no_inbox_before_it_is_delivered(house: TestInstallation) -> None:
    document_id = send_letter(house)
    assert inbox(house.sis) == []
    house.work()
    assert inbox(house.sis) == [document_id]


def test_more_than_a_hundred_letters_are_listed_once_each_in_the_order_of_acceptance(
    house: TestInstallation,
) -> None:
    sent = [send_letter(house) for _ in range(103)]
    house.work()
    pages = _pages(house.sis, PageSize="7")
    assert [len(page) for page in pages] == [7] * 14 + [5]
    assert [document_id for page in pages for document_id in page] == sent
    assert _pages(house.sis, PageSize="7") == pages
    assert [len(page) for page in _pages(house.sis)] == [100, 3]


def test_what_comes_while_a_system_pages_is_found_at_the_end(house: TestInstallation) -> None:
    first = [deliver_letter(house) for _ in range(3)]
    page = accepted(house.sis, request("ListInbox", INSTITUTION, PageSize="2"))
    confirm(house.sis, first[0], retrieve(house, first[0]))
    later = deliver_letter(house)
    assert inbox(house.sis, Cursor=page.text("NextCursor"), PageSize="5") == [first[2], later]


def test_nothing_disappears_by_being_listed_or_retrieved(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    for _ in range(2):
        assert inbox(house.sis) == [document_id]
        retrieve(house, document_id)


def test_an_inbox_is_narrowed_by_kind_and_by_attention(house: TestInstallation) -> None:
    letter = deliver_letter(house)
    teacher = SetText("/Document/Header/Recipient/Attention[1]/Role", "SPS_COUNSELLOR")
    other = deliver_letter(house, teacher, Remove("/Document/Header/Recipient/Attention[2]"))
    assert inbox(house.sis, Attention="STUDY_COUNSELLOR") == [letter]
    assert inbox(house.sis, Attention="SPS_COUNSELLOR") == [other]
    assert inbox(house.sis, Attention="MANAGER") == []
    assert inbox(house.sis, Kind="EducationOrderLetter") == [letter, other]
    assert inbox(house.sis, Kind="DropoutRiskNotice") == []


def test_the_unread_are_listed_until_somebody_opened_them_confirmed_or_not(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    confirm(house.sis, document_id, retrieve(house, document_id))
    assert inbox(house.sis) == []
    assert inbox(house.sis, UnreadOnly="true") == [document_id]
    read(house.sis, document_id, house.clock())
    assert inbox(house.sis, UnreadOnly="true") == []


# --- cursors -------------------------------------------------------------------------------------------


def _cursors(house: TestInstallation) -> dict[str, str]:
    own = cursors.write(1, Operation.LIST_INBOX, INSTITUTION)
    number = (2**63).to_bytes(8, "big")
    mark = cursors._mark(number, Operation.LIST_INBOX, INSTITUTION)
    return {
        "another operation's": cursors.write(1, Operation.LIST_EVENTS, INSTITUTION),
        "another party's": cursors.write(1, Operation.LIST_INBOX, OTHER_INSTITUTION),
        "altered": ("B" if own[0] == "A" else "A") + own[1:],
        "too short": own[:8],
        "too long": own + "AAAA",
        "no base64": "=" * 8,
        "a number no row has": base64.urlsafe_b64encode(number + mark).decode().rstrip("="),
    }


@pytest.mark.parametrize(
    "name",
    [
        "another operation's",
        "another party's",
        "altered",
        "too short",
        "too long",
        "no base64",
        "a number no row has",
    ],
)
def test_a_cursor_that_was_not_given_here_is_refused(house: TestInstallation, name: str) -> None:
    cursor = _cursors(house)[name]
    assert house.sis.call(request("ListInbox", INSTITUTION, Cursor=cursor)).fault_code == "CURSOR_INVALID"


# --- routes and systems --------------------------------------------------------------------------------


def test_each_system_of_a_party_confirms_for_itself(house: TestInstallation) -> None:
    other = second_system(house)
    document_id = deliver_letter(house)
    first = confirm(house.sis, document_id, retrieve(house, document_id))
    assert inbox(house.sis) == []
    assert inbox(other) == [document_id]
    second = confirm(other, document_id, retrieve(house, document_id))
    assert (second.fault_code, second.text("Repeated")) == (None, "false")
    assert inbox(other) == []
    assert second.text("ContentHandover") != first.text("ContentHandover")
    systems = {
        evidence(house, answer.text("ContentHandover"))["AssertedBySystem/SystemId"]
        for answer in (first, second)
    }
    assert systems == {house.systems["proeveby-sis"].id.text, house.systems[VENDOR].id.text}


def test_routes_say_which_system_receives_what(house: TestInstallation) -> None:
    other = second_system(house)
    letters, counselling = house.systems["proeveby-sis"].id, house.systems[VENDOR].id
    routes = (
        Route(letters, DocumentKind.EDUCATION_ORDER_LETTER, None),
        Route(counselling, DocumentKind.EDUCATION_ORDER_LETTER, Role.SPS_COUNSELLOR),
    )
    parties.set_routes(house.installation, INSTITUTION, routes)
    plain = deliver_letter(house)
    special = deliver_letter(
        house,
        SetText("/Document/Header/Recipient/Attention[1]/Role", "SPS_COUNSELLOR"),
        Remove("/Document/Header/Recipient/Attention[2]"),
    )
    assert inbox(house.sis) == [plain]
    assert inbox(other) == [special]
    parties.set_routes(house.installation, INSTITUTION, ())
    assert inbox(house.sis) == inbox(other) == [plain, special]


def test_a_route_to_a_system_without_mandate_hides_nothing(house: TestInstallation) -> None:
    mandate = house.mandate(VENDOR, INSTITUTION)
    parties.set_routes(house.installation, INSTITUTION, (Route(house.systems[VENDOR].id),))
    document_id = deliver_letter(house)
    assert inbox(house.sis) == []
    house.clock.forward(minutes=1)
    parties.end_mandate(house.installation, INSTITUTION, mandate)
    assert inbox(house.sis) == [document_id]


# --- retrieving ----------------------------------------------------------------------------------------


def test_what_is_withdrawn_while_it_is_read_is_told_as_withdrawn_and_what_is_lost_as_lost(
    house: TestInstallation,
) -> None:
    letters = [paper(house.clock(), listing(("plan.txt", "text/plain", IN_A_FILE))) for _ in range(2)]
    for letter in letters:
        accepted(house.esdh, sending(letter, attachments=[IN_A_FILE]))
    house.work()
    withdrawn, lost = map(id_of, letters)
    with house.installation.database.read() as connection:
        rows = {
            each: documents.find_delivered(connection, INSTITUTION, Uuid4(each)) for each in (withdrawn, lost)
        }
        reason = {"DocumentId": withdrawn, "Reason": "WRONG_RECIPIENT"}
        accepted(house.esdh, request("WithdrawDocument", MUNICIPALITY, **reason))
        told = {}
        for path in house.installation.blobs.files():
            path.unlink()
        for name, row in rows.items():
            assert row is not None
            with pytest.raises(BropostError) as refused:
                read_kept(house.installation, connection, row, INSTITUTION, attachments=True)
            told[name] = refused.value.code
    assert told == {withdrawn: Code.STATE_CONFLICT, lost: Code.STORED_DATA_ALTERED}


def test_what_is_retrieved_is_octet_for_octet_what_was_sent_however_often(house: TestInstallation) -> None:
    letter = paper(house.clock(), SEALED_BY_SYSTEM, listing(("maal.txt", "text/plain", SMALL)))
    octets = sealed(letter, SEALS[MUNICIPALITY], house.clock())
    accepted(house.esdh, sending(octets, attachments=[SMALL]))
    house.work()
    for _ in range(2):
        answer = accepted(house.sis, request("Retrieve", INSTITUTION, DocumentId=id_of(letter)))
        assert base64.b64decode(answer.text("ExactOctets")) == octets
        assert base64.b64decode(answer.text("Attachment/Content")) == SMALL
        assert answer.texts("Attachment/Number") == ["1"]


def test_every_retrieval_is_in_the_partys_log_with_the_system_that_fetched(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    before = row_counts(house)
    retrieve(house, document_id)
    retrieve(house, document_id)
    assert grown(before, row_counts(house)) == {"replay": 2, "log_entry": 2, "opening": 2}
    with house.installation.database.read() as connection:
        head = log.log_head(connection, INSTITUTION)
        assert head is not None
        entries = [parse_leaf(each.octets) for each in log.entries(connection, INSTITUTION, 0, head.size)]
    assert [entry.kind for entry in entries[-2:]] == [EntryKind.ACCESS, EntryKind.ACCESS]
    assert entries[-1].actor is not None
    assert entries[-1].actor.system == house.systems["proeveby-sis"].id.text


def test_nothing_is_given_out_that_could_not_be_logged(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    other = house.reopened()
    with other.installation.database.alone() as connection:
        connection.exec_driver_sql("ALTER TABLE log_entry RENAME TO log_entry_away")
    answer = other.sis.call(request("Retrieve", INSTITUTION, DocumentId=document_id))
    assert answer.fault_code == "INTERNAL"
    assert b"ExactOctets" not in answer.http.body
    other.close()


@pytest.mark.parametrize("mtom", [True, False], ids=["MTOM", "SwA"])
def test_a_large_attachment_travels_beside_the_envelope_both_ways(
    house: TestInstallation, mtom: bool
) -> None:
    letter = paper(
        house.clock(), listing(("plan.png", "image/png", LARGE), ("maal.txt", "text/plain", SMALL))
    )
    parts = [
        NewPart("plan@eksempelby.example", "application/octet-stream", LARGE),
        NewPart("maal@eksempelby.example", "application/octet-stream", SMALL),
    ]
    body = sending(letter)
    for number, part in enumerate(parts, start=1):
        name_part(attachment(body, number), part, mtom=mtom)
    answer = house.esdh.call_with_parts(body, parts, mtom=mtom)
    assert answer.fault_code is None
    house.work()
    fetched = accepted(house.sis, request("Retrieve", INSTITUTION, DocumentId=id_of(letter)))
    (content_id,) = fetched.texts("Attachment/ContentId")
    assert hashlib.sha256(fetched.parts[content_id]).digest() == hashlib.sha256(LARGE).digest()
    assert base64.b64decode(fetched.text("Attachment/Content")) == SMALL
    assert fetched.texts("Attachment/Number") == ["1", "2"]
    # Who asks by MTOM is answered by MTOM: WCF knows no parts that a ContentId names.
    by_mtom = house.sis.call_with_parts(
        request("Retrieve", INSTITUTION, DocumentId=id_of(letter)), [], mtom=True
    )
    assert by_mtom.http.content_type.startswith('multipart/related; type="application/xop+xml"')
    assert by_mtom.texts("Attachment/ContentId") == []
    assert [hashlib.sha256(part).digest() for part in by_mtom.parts.values()] == [
        hashlib.sha256(LARGE).digest()
    ]


def test_a_signed_letter_may_travel_beside_the_envelope(house: TestInstallation) -> None:
    letter = paper(house.clock(), SEALED_BY_SYSTEM)
    octets = sealed(letter, SEALS[MUNICIPALITY], house.clock())
    part = NewPart("brev@eksempelby.example", "application/octet-stream", octets)
    body = sending(octets)
    holder = body.find(tag(SERVICE, "SignedDocument"))
    assert holder is not None
    holder.text = None
    etree.SubElement(holder, tag(XOP, "Include"), {"href": f"cid:{part.content_id}"}, nsmap={"xop": XOP})
    assert house.esdh.call_with_parts(body, [part], mtom=True).fault_code is None
    house.work()
    assert retrieve(house, id_of(letter)) == octets


def test_a_withdrawn_letter_is_given_out_no_more(house: TestInstallation) -> None:
    first, second = deliver_letter(house), deliver_letter(house)
    confirm(house.sis, second, retrieve(house, second))
    for document_id in (first, second):
        body = request("WithdrawDocument", MUNICIPALITY, DocumentId=document_id, Reason="OBSOLETE")
        accepted(house.esdh, body)
        refused = house.sis.call(request("Retrieve", INSTITUTION, DocumentId=document_id))
        assert refused.fault_code == "STATE_CONFLICT"
    assert inbox(house.sis) == []


def test_stored_content_that_was_altered_is_not_given_out(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    with house.installation.database.alone() as connection:
        connection.execute(update(blob).values(octets=b"altered"))
    answer = house.sis.call(request("Retrieve", INSTITUTION, DocumentId=document_id))
    assert answer.fault_code == "STORED_DATA_ALTERED"
    assert answer.is_signed


def test_a_store_that_is_away_is_told_as_something_to_try_again(house: TestInstallation) -> None:
    letter = paper(house.clock(), listing(("plan.txt", "text/plain", IN_A_FILE)))
    accepted(house.esdh, sending(letter, attachments=[IN_A_FILE]))
    house.work()
    blobs, away = house.folder / "blobs", house.folder / "away"
    for shard in list(blobs.iterdir()):
        shard.rename(away)
        shard.write_bytes(b"")
        answer = house.sis.call(request("Retrieve", INSTITUTION, DocumentId=id_of(letter)))
        shard.unlink()
        away.rename(shard)
        if answer.fault_code is not None:
            break
    assert answer.fault_code == "STORE_UNAVAILABLE"
    assert answer.payload.findtext(f".//{tag(SERVICE, 'Retryable')}") == "true"
    assert retrieve(house, id_of(letter))


# --- what a line shows ---------------------------------------------------------------------------------


def test_a_protected_persons_letter_says_so_in_the_inbox(house: TestInstallation) -> None:
    letter = paper(house.clock(), name="education-order-letter-protected")
    accepted(house.esdh, sending(letter))
    house.work()
    answer = accepted(house.sis, request("ListInbox", INSTITUTION))
    assert answer.texts("Item/Protected") == ["true"]


def test_a_wished_reply_date_is_shown_in_the_inbox(house: TestInstallation) -> None:
    day = (house.clock() + timedelta(days=30)).date().isoformat()
    before = "/Document/Header/CreatedAt"
    document_id = deliver_letter(house, Insert("before", before, f"<ReplyDue>{day}</ReplyDue>"))
    answer = accepted(house.sis, request("ListInbox", INSTITUTION))
    assert answer.texts("Item/DocumentId") == [document_id]
    assert answer.texts("Item/ReplyDue") == [day]


def test_both_ways_a_notice_reaches_the_municipality(house: TestInstallation) -> None:
    told = notice(house.clock())
    accepted(house.sis, sending(told, by=INSTITUTION))
    house.work()
    answer = accepted(house.esdh, request("ListInbox", MUNICIPALITY))
    assert answer.texts("Item/DocumentId") == [id_of(told)]
    fetched = accepted(house.esdh, request("Retrieve", MUNICIPALITY, DocumentId=id_of(told)))
    octets = base64.b64decode(fetched.text("ExactOctets"))
    assert confirm(house.esdh, id_of(told), octets, MUNICIPALITY).text("State") == "HANDED_OVER"
