"""A document is shown with the judgement on its signature; a look into the store is in the party's log first."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import CommittedField, EntryKind, Leaf
from gateway.domain.errors import InputError, InternalError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.services.viewing import view_file, view_stored
from gateway.storage import log, openings
from gateway.translog.leaf import parse_leaf
from gateway.views.signature import Seal
from tests.end_to_end.conversing import waits
from tests.end_to_end.conversing import withdraw as taken_back
from tests.golden.changes import Insert, SetText
from tests.installation import INSTITUTION, MUNICIPALITY, OTHER_INSTITUTION, TestInstallation
from tests.services.papers import (
    SEALED_BY_SYSTEM,
    accepted,
    confirm,
    deliver_letter,
    id_of,
    paper,
    request,
    retrieve,
    row_counts,
    sealed,
    send_letter,
    sending,
    text_of,
)

OPERATOR = "mette"


def entries(house: TestInstallation, party: PartyId) -> list[Leaf]:
    """The entries of a party's log."""
    with house.installation.database.read() as connection:
        head = log.log_head(connection, party)
        assert head is not None
        return [parse_leaf(each.octets) for each in log.entries(connection, party, 0, head.size)]


def signed_letter(house: TestInstallation, key: str = "eksempelby-kommune") -> bytes:
    """A letter that the municipality's system signed, and that was not sent."""
    return sealed(paper(house.clock(), SEALED_BY_SYSTEM), key, house.clock())


# --- from the store ------------------------------------------------------------------------------------


@pytest.mark.parametrize("party", [MUNICIPALITY, INSTITUTION])
def test_each_party_of_a_letter_may_have_it_shown_and_its_log_tells_who_looked(
    house: TestInstallation, party: PartyId
) -> None:
    document_id = deliver_letter(house)
    before = {each: len(entries(house, each)) for each in (MUNICIPALITY, INSTITUTION)}
    viewed = view_stored(house.installation, party, Uuid4(document_id), OPERATOR)
    assert viewed.document.document_id.text == document_id
    assert viewed.verdict.seal is Seal.HOLDS
    assert viewed.verdict.is_kept
    assert "Eksempelby Kommune, CVR 11111111" in viewed.verdict.danish
    after = {each: len(entries(house, each)) for each in (MUNICIPALITY, INSTITUTION)}
    assert after == {each: count + (each == party) for each, count in before.items()}
    entry = entries(house, party)[-1]
    assert (entry.kind, entry.document_kind) == (EntryKind.ACCESS, "EducationOrderLetter")
    assert entry.actor is not None
    assert (entry.actor.role, entry.actor.system) == ("OPERATOR", None)
    assert {CommittedField.ACTOR, CommittedField.DOCUMENT} <= set(entry.commitments())
    with house.installation.database.read() as connection:
        assert openings.find_opening(connection, entry.entry_id) is not None


def test_to_a_party_without_the_letter_it_does_not_exist(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    before = row_counts(house)
    for party, asked in ((OTHER_INSTITUTION, document_id), (MUNICIPALITY, Uuid4.new().text)):
        with pytest.raises(InputError) as refused:
            view_stored(house.installation, party, Uuid4(asked), OPERATOR)
        assert refused.value.code is Code.NOT_FOUND
    assert row_counts(house) == before


def test_a_letter_on_its_way_is_shown_to_its_sender_only(house: TestInstallation) -> None:
    document_id = Uuid4(send_letter(house))
    assert view_stored(house.installation, MUNICIPALITY, document_id, OPERATOR).verdict.seal is Seal.HOLDS
    with pytest.raises(InputError) as refused:
        view_stored(house.installation, INSTITUTION, document_id, OPERATOR)
    assert refused.value.code is Code.NOT_FOUND


def refused(house: TestInstallation, party: PartyId, document_id: str) -> Code:
    """With which error a look is refused, which leaves no trace."""
    before = row_counts(house)
    with pytest.raises(InputError) as error:
        view_stored(house.installation, party, Uuid4(document_id), OPERATOR)
    assert row_counts(house) == before
    return error.value.code


def test_a_withdrawn_letter_of_which_nothing_is_left_is_shown_to_nobody(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    taken_back(house, document_id)
    for party in (MUNICIPALITY, INSTITUTION):
        assert refused(house, party, document_id) is Code.STATE_CONFLICT


def test_a_letter_that_was_shown_at_its_recipients_is_answered_for_when_it_is_taken_back(
    house: TestInstallation,
) -> None:
    document_id = deliver_letter(house)
    view_stored(house.installation, INSTITUTION, Uuid4(document_id), OPERATOR)
    answer = taken_back(house, document_id)
    assert (answer.text("ContentRemoved"), answer.texts("Fetched")) == ("true", ["true"])
    assert waits(house, MUNICIPALITY, document_id) == ["DELETION"]
    assert EntryKind.ERASE not in {entry.kind for entry in entries(house, INSTITUTION)}


def test_a_look_of_its_sender_makes_no_letter_a_fetched_one(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    view_stored(house.installation, MUNICIPALITY, Uuid4(document_id), OPERATOR)
    assert taken_back(house, document_id).texts("Fetched") == []
    assert waits(house, MUNICIPALITY, document_id) == []


def test_a_withdrawn_letter_that_is_still_held_is_shown_to_its_sender_alone_who_is_told(
    house: TestInstallation,
) -> None:
    document_id = deliver_letter(house)
    assert confirm(house.sis, document_id, retrieve(house, document_id)).fault_code is None
    taken_back(house, document_id)
    assert refused(house, INSTITUTION, document_id) is Code.STATE_CONFLICT
    viewed = view_stored(house.installation, MUNICIPALITY, Uuid4(document_id), OPERATOR)
    (notice,) = viewed.notices
    assert notice.startswith("Afsenderen har kaldt dette dokument tilbage")
    assert notice.endswith("Indholdet var forkert.")
    assert entries(house, MUNICIPALITY)[-1].kind is EntryKind.ACCESS


def test_who_opens_a_corrected_letter_is_told_first(house: TestInstallation) -> None:
    first = paper(house.clock())
    accepted(house.esdh, sending(first))
    house.work()
    assert view_stored(house.installation, INSTITUTION, Uuid4(id_of(first)), OPERATOR).notices == ()
    named = f"<Corrects><DocumentId>{id_of(first)}</DocumentId><Reason>Startdatoen var forkert.</Reason></Corrects>"
    newer = paper(
        house.clock(),
        SetText("/Document/Header/ConversationId", text_of(first, "ConversationId")),
        Insert("before", "/Document/Header/CreatedAt", named),
    )
    accepted(house.esdh, sending(newer))
    house.work()
    for party in (MUNICIPALITY, INSTITUTION):
        viewed = view_stored(house.installation, party, Uuid4(id_of(first)), OPERATOR)
        told = f"Dette dokument er rettet af et nyere: {id_of(newer)}. Læs det nyere i stedet."
        assert viewed.notices == (told,)
    again = accepted(house.sis, request("Retrieve", INSTITUTION, DocumentId=id_of(first)))
    assert again.text("CorrectedBy") == id_of(newer)
    newest = accepted(house.sis, request("Retrieve", INSTITUTION, DocumentId=id_of(newer)))
    assert newest.texts("CorrectedBy") == []


def test_a_stored_letter_that_was_altered_is_not_shown(house: TestInstallation) -> None:
    document_id = Uuid4(deliver_letter(house))
    with house.installation.database.alone() as connection:
        connection.exec_driver_sql("UPDATE document SET sealed_digest = content_digest")
    with pytest.raises(InternalError) as refused:
        view_stored(house.installation, MUNICIPALITY, document_id, OPERATOR)
    assert refused.value.code is Code.STORED_DATA_ALTERED
    assert entries(house, MUNICIPALITY)[-1].kind is not EntryKind.ACCESS


def test_years_later_the_kept_lists_and_certificates_answer_for_the_day_of_acceptance(
    house: TestInstallation,
) -> None:
    document_id = deliver_letter(house)
    octets = retrieve(house, document_id)
    house.clock.forward(minutes=10)
    house.renew_lists("eksempelby-kommune")
    house.clock.forward(days=900)
    stored = view_stored(house.installation, INSTITUTION, Uuid4(document_id), OPERATOR)
    file = view_file(octets, house.installation)
    for viewed in (stored, file):
        assert viewed.verdict.seal is Seal.HOLDS
        assert viewed.verdict.is_kept
        assert "da Bropost modtog dokumentet" in viewed.verdict.danish


# --- from a file ---------------------------------------------------------------------------------------


def test_a_document_that_nobody_signed_is_said_to_be_so(house: TestInstallation) -> None:
    octets = etree.tostring(paper(house.clock()))
    for installation in (None, house.installation):
        viewed = view_file(octets, installation)
        assert viewed.verdict.danish == "Dokumentet er ikke signeret."
        assert viewed.notices == ("Dokumentet er ikke signeret.",)


def test_without_an_installation_a_signature_is_not_judged(house: TestInstallation) -> None:
    viewed = view_file(signed_letter(house), None)
    assert viewed.verdict.seal is Seal.UNJUDGED
    assert "--settings" in viewed.verdict.danish


def test_a_signed_file_holds_for_the_time_its_signer_states(house: TestInstallation) -> None:
    octets = signed_letter(house)
    before = row_counts(house)
    verdict = view_file(octets, house.installation).verdict
    assert (verdict.seal, verdict.is_kept) == (Seal.HOLDS, False)
    assert "underskriveren selv angiver" in verdict.danish
    assert row_counts(house) == before


def test_a_later_list_answers_for_an_earlier_time(house: TestInstallation) -> None:
    early = signed_letter(house)
    house.clock.forward(days=20)
    house.renew_lists("eksempelby-kommune")
    assert view_file(early, house.reopened().installation).verdict.seal is Seal.HOLDS
    house.clock.forward(minutes=1)
    late = view_file(signed_letter(house), house.installation).verdict
    assert late.seal is Seal.BROKEN
    assert late.danish.startswith("INDHOLDSSIGNATUREN HOLDER IKKE.")


def test_an_altered_file_is_shown_as_altered(house: TestInstallation) -> None:
    octets = signed_letter(house).replace(b"Jonas", b"Jonna")
    viewed = view_file(octets, house.installation)
    assert viewed.verdict.seal is Seal.BROKEN
    assert viewed.notices == (viewed.verdict.danish,)
    assert "svarer ikke" in viewed.verdict.reason
    assert viewed.document.body.text_of("Mentor/Name") == "Jonna Prøve"


def test_a_letter_signed_by_another_than_its_sender_is_told(house: TestInstallation) -> None:
    viewed = view_file(signed_letter(house, "proeveby-erhvervsskole"), house.installation)
    assert viewed.verdict.seal is Seal.BROKEN
    assert "ikke afsenderens" in viewed.verdict.danish


def test_a_signature_of_another_shape_is_told(house: TestInstallation) -> None:
    octets = signed_letter(house).replace(b"xades:SigningTime>", b"xades:SigningTid>")
    for installation in (None, house.installation):
        verdict = view_file(octets, installation).verdict
        assert verdict.seal is Seal.BROKEN
        assert "XAdES baseline B" in verdict.danish


def test_a_file_that_only_bears_the_id_of_an_accepted_letter_is_judged_by_itself(
    house: TestInstallation,
) -> None:
    document = paper(house.clock(), SEALED_BY_SYSTEM)
    accepted(house.esdh, sending(sealed(document, "eksempelby-kommune", house.clock())))
    other = paper(
        house.clock(),
        SEALED_BY_SYSTEM,
        SetText("/Document/EducationOrderLetter/Mentor/Name", "Sofie Eksempelsen"),
        document_id=id_of(document),
    )
    viewed = view_file(sealed(other, "eksempelby-kommune", house.clock()), house.installation)
    assert (viewed.verdict.seal, viewed.verdict.is_kept) == (Seal.HOLDS, False)


def test_a_file_that_is_no_document_is_refused() -> None:
    for octets, code in (
        (b"<x/>", Code.SCHEMA_UNKNOWN_ROOT),
        (b"not XML", Code.XML_MALFORMED),
        (b'<Document xmlns="urn:dk:bropost:document:1" schemaVersion="1.0"/>', Code.SCHEMA_INVALID),
    ):
        with pytest.raises(InputError) as refused:
            view_file(octets, None)
        assert refused.value.code is code
