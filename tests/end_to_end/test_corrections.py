"""A sender says it right: both documents stay, and whoever sees the first one is led to the second."""

from __future__ import annotations

from io import BytesIO

from lxml import etree

from gateway.domain.disclosure import CommittedField, EntryKind, Leaf
from gateway.domain.identifiers import PartyId
from gateway.services import disclosure_log
from gateway.storage import log, outbox
from gateway.translog.leaf import parse_leaf
from gateway.translog.report import Verdict
from gateway.translog.verifier import verify_bundle
from tests.end_to_end.store_checks import require_whole
from tests.golden.changes import Insert, SetText
from tests.installation import INSTITUTION, MUNICIPALITY, Answered, TestInstallation
from tests.services.papers import accepted, confirm, id_of, inbox, paper, request, retrieve, sending, text_of


def letter_of(house: TestInstallation, corrects: etree._Element | None = None) -> etree._Element:
    """A letter that the municipality has sent, perhaps in place of an earlier one."""
    letter = paper(house.clock())
    if corrects is not None:
        reason = "Startdatoen var forkert."
        reference = (
            f"<Corrects><DocumentId>{id_of(corrects)}</DocumentId><Reason>{reason}</Reason></Corrects>"
        )
        letter = paper(
            house.clock(),
            SetText("/Document/Header/ConversationId", text_of(corrects, "ConversationId")),
            Insert("before", "/Document/Header/CreatedAt", reference),
        )
    accepted(house.esdh, sending(letter))
    return letter


def status(house: TestInstallation, party: PartyId, document: etree._Element) -> Answered:
    """The timeline as the party sees it."""
    caller = house.esdh if party == MUNICIPALITY else house.sis
    return accepted(caller, request("GetStatus", party, DocumentId=id_of(document)))


def corrections(house: TestInstallation, party: PartyId) -> list[tuple[str, str]]:
    """Of which document the party is told that it was corrected, and by which."""
    caller = house.esdh if party == MUNICIPALITY else house.sis
    told = accepted(caller, request("ListEvents", party))
    found = [each for each in told.payload if each.findtext("{*}TimelineEvent/{*}Kind") == "CORRECTED"]
    return [
        (each.findtext("{*}DocumentId") or "", each.findtext("{*}TimelineEvent/{*}RelatedDocumentId") or "")
        for each in found
    ]


def corrected_in(house: TestInstallation, party: PartyId) -> list[Leaf]:
    """The entries of a party's log that correct others."""
    with house.installation.database.read() as connection:
        leaves = [parse_leaf(each.octets) for each in log.entries(connection, party, 0, 1000)]
    return [leaf for leaf in leaves if leaf.kind is EntryKind.CORRECT]


def shared(house: TestInstallation, party: PartyId) -> list[Leaf]:
    """The entries of a party's log that tell of documents shared or received."""
    with house.installation.database.read() as connection:
        leaves = [parse_leaf(each.octets) for each in log.entries(connection, party, 0, 1000)]
    return [leaf for leaf in leaves if leaf.kind in (EntryKind.DISCLOSE, EntryKind.RECEIVE)]


def test_both_parties_are_told_once_the_correction_is_there(house: TestInstallation) -> None:
    first = letter_of(house)
    house.work()
    second = letter_of(house, first)
    assert corrections(house, MUNICIPALITY) == []
    house.work()
    pair = (id_of(first), id_of(second))
    assert corrections(house, MUNICIPALITY) == corrections(house, INSTITUTION) == [pair]
    for party in (MUNICIPALITY, INSTITUTION):
        known = status(house, party, first)
        assert (known.text("State"), known.text("CorrectedBy")) == ("AVAILABLE", id_of(second))
        assert status(house, party, second).texts("CorrectedBy") == []
    require_whole(house.installation)


def test_the_inbox_marks_what_was_corrected_and_shows_both(house: TestInstallation) -> None:
    first = letter_of(house)
    house.work()
    second = letter_of(house, first)
    house.work()
    listed = accepted(house.sis, request("ListInbox", INSTITUTION))
    assert listed.texts("Item/DocumentId") == [id_of(first), id_of(second)]
    assert listed.texts("Item/CorrectedBy") == [id_of(second)]
    octets = retrieve(house, id_of(first))  # both stay, and may be fetched
    assert confirm(house.sis, id_of(first), octets).fault_code is None
    assert inbox(house.sis) == [id_of(second)]


def test_of_several_corrections_the_newest_counts(house: TestInstallation) -> None:
    first = letter_of(house)
    second, third = letter_of(house, first), letter_of(house, first)
    house.work()
    assert status(house, INSTITUTION, first).text("CorrectedBy") == id_of(third)
    assert corrections(house, INSTITUTION) == [(id_of(first), id_of(each)) for each in (second, third)]


def test_the_newer_document_does_the_waiting(house: TestInstallation) -> None:
    first = letter_of(house)
    house.work()
    assert status(house, MUNICIPALITY, first).texts("Deadline/Kind") == ["HANDOVER", "READ"]
    second = letter_of(house, first)
    house.work()
    assert status(house, MUNICIPALITY, first).texts("Deadline/Kind") == []
    assert status(house, MUNICIPALITY, second).texts("Deadline/Kind") == ["HANDOVER", "READ"]


def test_both_logs_tell_which_entry_was_put_right(house: TestInstallation) -> None:
    first = letter_of(house)
    house.work()
    letter_of(house, first)
    house.work()
    for party in (MUNICIPALITY, INSTITUTION):
        (told,) = corrected_in(house, party)
        before, after = shared(house, party)
        assert (told.corrects, told.reasons) == (before.entry_id, ("REPLACED",))
        assert after.entry_id != before.entry_id
        assert CommittedField.CONTENT in told.commitments()
        house.clock.forward(seconds=5)
        house.work()
        bundle = BytesIO()
        note = disclosure_log.export(house.installation, party, bundle)
        key = str(disclosure_log.log_key(house.installation, party))
        assert verify_bundle(bundle, log_key=key, known_checkpoint=note).verdict is Verdict.OK


def test_a_correction_that_overtakes_is_told_when_the_first_letter_comes(house: TestInstallation) -> None:
    first = letter_of(house)
    with house.installation.database.alone() as connection:  # a worker that took it, and died
        assert outbox.claim(connection, "dead", house.clock(), 60) is not None
    second = letter_of(house, first)
    house.work()
    pair = (id_of(first), id_of(second))
    assert corrections(house, MUNICIPALITY) == [pair]
    assert corrections(house, INSTITUTION) == []  # it does not know the first letter yet
    assert inbox(house.sis) == [id_of(second)]
    house.clock.forward(seconds=61)
    house.work()
    assert corrections(house, MUNICIPALITY) == corrections(house, INSTITUTION) == [pair]
    assert status(house, INSTITUTION, first).text("CorrectedBy") == id_of(second)
    assert status(house, MUNICIPALITY, first).texts("Deadline/Kind") == []
    assert len(corrected_in(house, INSTITUTION)) == 1
    require_whole(house.installation)


def test_a_letter_may_be_put_right_after_it_was_withdrawn(house: TestInstallation) -> None:
    first = letter_of(house)
    body = request("WithdrawDocument", MUNICIPALITY, DocumentId=id_of(first), Reason="WRONG_CONTENT")
    accepted(house.esdh, body)
    second = letter_of(house, first)
    house.work()
    assert inbox(house.sis) == [id_of(second)]
    known = status(house, MUNICIPALITY, first)
    assert (known.text("State"), known.text("CorrectedBy")) == ("WITHDRAWN", id_of(second))
    assert corrections(house, INSTITUTION) == []
