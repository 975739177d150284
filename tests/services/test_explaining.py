"""An operator is told how it stands with a document and nothing of what it says; its parties' logs tell of the look."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import CommittedField, EntryKind, Leaf
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.operations import Service
from gateway.domain.status import Standing
from gateway.services import parties
from gateway.services.explaining import explain
from gateway.storage import deadlines, documents, log
from gateway.translog.leaf import parse_leaf
from gateway.views.life import Happening, Life
from gateway.views.life_story import story
from tests.golden.changes import Insert, SetText
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_INSTITUTION,
    OTHER_MUNICIPALITY,
    TestInstallation,
)
from tests.services.papers import (
    PERSONAL,
    SEALED_BY_SYSTEM,
    accepted,
    between,
    confirm,
    deliver_letter,
    id_of,
    notice,
    paper,
    read,
    request,
    retrieve,
    row_counts,
    sealed,
    send_letter,
    sending,
    text_of,
)

OPERATOR = "mette"


def told(house: TestInstallation, document_id: str) -> str:
    """What an operator is told."""
    return "\n".join(story(explain(house.installation, Uuid4(document_id), OPERATOR)))


def section(text: str, heading: str) -> list[str]:
    """The lines below a heading."""
    below = text.partition(f"\n{heading}")[2].partition("\n\n")[0]
    return [line.strip() for line in below.splitlines()[1:]]


def next_step(house: TestInstallation, document_id: str) -> str:
    """Who must do what."""
    (line,) = section(told(house, document_id), "Næste skridt")
    return line


def wrong(house: TestInstallation, document_id: str) -> str:
    """What is wrong, in one line."""
    return " ".join(section(told(house, document_id), "Galt"))


def entries(house: TestInstallation, party: PartyId) -> list[Leaf]:
    """The entries of a party's log."""
    with house.installation.database.read() as connection:
        head = log.log_head(connection, party)
        assert head is not None
        return [parse_leaf(each.octets) for each in log.entries(connection, party, 0, head.size)]


# --- the walk ------------------------------------------------------------------------------------------


def test_the_next_act_goes_from_hand_to_hand(house: TestInstallation) -> None:
    document_id = send_letter(house)
    assert next_step(house, document_id).startswith("Gatewayen leverer selv")
    house.work()
    school = "Prøveby Erhvervsskole (22222222-999001)"
    assert next_step(house, document_id).startswith(
        f"{school}: fagsystemet skal hente dokumentet og bekræfte, at det er gemt, senest "
    )
    octets = retrieve(house, document_id)
    assert confirm(house.sis, document_id, octets).fault_code is None
    assert next_step(house, document_id).startswith(
        f"{school}: Studievejleder eller Kontaktlærer skal åbne dokumentet"
    )
    assert read(house.sis, document_id, house.clock()).fault_code is None
    assert next_step(house, document_id) == "Intet: alt er gjort."
    assert wrong(house, document_id) == "- Intet."


def test_an_answer_that_is_waited_for_is_the_next_act(house: TestInstallation) -> None:
    document = notice(house.clock())
    accepted(house.sis, sending(document, by=INSTITUTION))
    house.work()
    octets = accepted(house.esdh, request("Retrieve", MUNICIPALITY, DocumentId=id_of(document)))
    assert octets.is_signed
    assert read(house.esdh, id_of(document), house.clock(), MUNICIPALITY, "CASEWORKER").fault_code is None
    assert next_step(house, id_of(document)).startswith(
        "Eksempelby Kommune (11111111-0999) skal svare, senest "
    )


def test_the_timeline_of_both_parties_says_who_says_it_and_on_what_it_rests(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    read(house.sis, document_id, house.clock(), ReaderName="Sofie Eksempelsen")
    life = explain(house.installation, Uuid4(document_id), OPERATOR)
    known = {each.kind: each for each in life.happenings}
    assert list(known) == [
        "RECEIVED",
        "SEALED",
        "ACCEPTED",
        "DISPATCHED",
        "AVAILABLE",
        "HANDED_OVER",
        "READ",
    ]
    assert known["AVAILABLE"].standing is Standing.EVIDENCE
    assert known["DISPATCHED"].standing is Standing.RECORDED
    assert known["HANDED_OVER"] == Happening("HANDED_OVER", Standing.INFERRED)
    assert (known["READ"].standing, known["READ"].system) == (Standing.ASSERTED, "proeveby-sis")
    line = list(story(life))[-1]
    assert "  Et menneske har åbnet det.  [" in line
    assert line.endswith(
        "[oplyst af fagsystem, kvittering udstedt; Bropost Eksempeldrift; fagsystem proeveby-sis; Studievejleder]"
    )
    assert "Sofie" not in "\n".join(story(life))


def test_open_waits_are_told_in_danish_time_and_those_that_are_over_are_not(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    waits = section(told(house, document_id), "Frister")
    assert [line.partition(":")[0] for line in waits] == [
        "aflevering til modtagerens fagsystem",
        "læsning",
    ]
    assert all("senest" in line and " kl. " in line for line in waits)
    confirm(house.sis, document_id, retrieve(house, document_id))
    read(house.sis, document_id, house.clock())
    assert section(told(house, document_id), "Frister") == ["Ingen løber."]


# --- what is wrong -------------------------------------------------------------------------------------


def test_a_delivery_that_was_set_aside_is_told_with_its_code_and_what_to_do(house: TestInstallation) -> None:
    document_id = send_letter(house)
    with house.installation.database.alone() as connection:
        connection.exec_driver_sql("DELETE FROM data_key")
    house.work()
    assert next_step(house, document_id).startswith("Driften skal rette det")
    assert f"`bropost outbox retry {document_id}`" in wrong(house, document_id)
    assert "sat til side" in wrong(house, document_id)


def test_silence_is_told_with_whose_it_is_now(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    with house.installation.database.read() as connection:
        row = documents.find_own(connection, MUNICIPALITY, Uuid4(document_id))
        assert row is not None
        waits = deadlines.deadlines_of(connection, row.key)
    house.clock.now = max(each.warn_at for each in waits)
    house.renew_lists()
    house.work()
    house.clock.now = max(each.due_at for each in waits)
    house.renew_lists()
    house.clock.forward(minutes=6)
    assert "ingen har fået det at vide" in wrong(house, document_id)
    house.work()
    house.work()
    assert "Afsenderen (Eksempelby Kommune (11111111-0999)) har fået det at vide" in wrong(house, document_id)
    assert next_step(house, document_id).startswith("Prøveby Erhvervsskole (22222222-999001): fagsystemet")
    assert any("Varsel:" in line for line in section(told(house, document_id), "Forløb"))


def test_a_withdrawn_letter_is_told_with_its_reason_though_its_content_is_gone(
    house: TestInstallation,
) -> None:
    document_id = deliver_letter(house)
    accepted(
        house.esdh,
        request("WithdrawDocument", MUNICIPALITY, DocumentId=document_id, Reason="WRONG_RECIPIENT"),
    )
    assert next_step(house, document_id) == "Intet: dokumentet er kaldt tilbage."
    assert "kaldt dokumentet tilbage (Sendt til en forkert modtager). Indholdet er fjernet." in wrong(
        house, document_id
    )


def test_a_withdrawn_letter_that_was_stored_waits_for_its_deletion(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    confirm(house.sis, document_id, retrieve(house, document_id))
    accepted(
        house.esdh,
        request("WithdrawDocument", MUNICIPALITY, DocumentId=document_id, Reason="WRONG_CONTENT"),
    )
    assert "skal slette sin kopi" in next_step(house, document_id)
    assert "Modtageren har en kopi." in wrong(house, document_id)


def test_a_corrected_letter_points_to_the_newer_one(house: TestInstallation) -> None:
    first = paper(house.clock())
    accepted(house.esdh, sending(first))
    house.work()
    corrects = f"<Corrects><DocumentId>{id_of(first)}</DocumentId><Reason>WRONG_CONTENT</Reason></Corrects>"
    newer = paper(
        house.clock(),
        SetText("/Document/Header/ConversationId", text_of(first, "ConversationId")),
        Insert("before", "/Document/Header/CreatedAt", corrects),
    )
    accepted(house.esdh, sending(newer))
    house.work()
    assert next_step(house, id_of(first)) == (
        f"Dokumentet er afløst. Følg i stedet det nyere: {id_of(newer)}."
    )
    assert "rettet af et nyere" in wrong(house, id_of(first))


def test_a_recipient_that_cannot_receive_is_told(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    assert wrong(house, document_id) == "- Intet."
    fingerprint = house.pki.certificate("proeveby-sis").fingerprint
    parties.end_certificate(house.installation, house.systems["proeveby-sis"].id, fingerprint)
    house.clock.forward(seconds=1)
    told = wrong(house, document_id)
    assert "fagsystem proeveby-sis har intet gyldigt certifikat registreret" in told
    assert "Intet fagsystem kan tage imod for Prøveby Erhvervsskole" in told


def test_a_system_that_may_not_confirm_is_told_beside_one_that_may(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    house.mandate("leverandoer-esdh", INSTITUTION, (Operation.LIST_INBOX, Operation.RETRIEVE))
    house.clock.forward(seconds=1)
    told = wrong(house, document_id)
    assert "leverandoer-esdh har ingen fuldmagt til at bekræfte aflevering" in told
    assert "Intet fagsystem" not in told


def test_a_mandate_that_names_other_kinds_keeps_nobody_from_confirming(house: TestInstallation) -> None:
    system = house.systems["leverandoer-esdh"].id
    kinds = frozenset({DocumentKind.DROPOUT_RISK_NOTICE})
    operations = frozenset(Operation)
    given = Mandate(
        Uuid4.new(), system, INSTITUTION, operations, kinds, house.clock(), None, "mette.eksempel"
    )
    parties.give_mandate(house.installation, given)
    document_id = deliver_letter(house)
    life = explain(house.installation, Uuid4(document_id), OPERATOR)
    assert [(each.name, each.obstacle) for each in life.receivers if "leverandoer" in each.name] == [
        ("leverandoer-esdh", None)
    ]
    vendor = house.caller("leverandoer-esdh", Service.INSTITUTION)
    assert confirm(vendor, document_id, retrieve(house, document_id)).fault_code is None


def test_a_gateway_that_cannot_seal_is_told(house: TestInstallation) -> None:
    document_id = send_letter(house)
    house.clock.forward(minutes=1)
    house.renew_lists("gateway-seal")
    assert "Gatewayen kan ikke arbejde (CERTIFICATE_REVOKED)" in wrong(house, document_id)


# --- who looked, and at what ---------------------------------------------------------------------------


def test_the_look_is_in_the_log_of_each_party_that_holds_the_document(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    before = {party: len(entries(house, party)) for party in (MUNICIPALITY, INSTITUTION)}
    told(house, document_id)
    for party, count in before.items():
        *earlier, look = entries(house, party)
        assert len(earlier) == count
        assert (look.kind, look.details) == (EntryKind.ACCESS, ("TIMELINE_ONLY",))
        assert look.actor is not None
        assert look.actor.role == "OPERATOR"
        assert {CommittedField.ACTOR, CommittedField.DOCUMENT} <= set(look.commitments())


def test_the_log_of_a_recipient_that_was_not_delivered_to_stays_as_it_is(house: TestInstallation) -> None:
    document_id = send_letter(house)
    before = entries(house, INSTITUTION)
    told(house, document_id)
    assert entries(house, INSTITUTION) == before
    assert entries(house, MUNICIPALITY)[-1].kind is EntryKind.ACCESS


def test_nothing_of_the_content_is_told(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    read(house.sis, document_id, house.clock(), ReaderName="Sofie Eksempelsen")
    text = told(house, document_id)
    assert [word for word in (*PERSONAL, "Sofie", "Eksempelsen") if word in text] == []


def test_an_id_that_nobody_has_is_not_found_and_leaves_nothing(house: TestInstallation) -> None:
    before = row_counts(house)
    with pytest.raises(InputError) as refused:
        told(house, Uuid4.new().text)
    assert refused.value.code is Code.NOT_FOUND
    assert row_counts(house) == before


def test_two_documents_of_one_id_are_told_apart_by_a_party(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    changes = (SEALED_BY_SYSTEM, *between(OTHER_MUNICIPALITY, OTHER_INSTITUTION))
    other = paper(house.clock(), *changes, document_id=document_id)
    octets = sealed(other, "proevelund-kommune", house.clock())
    accepted(house.caller("proevelund-esdh", Service.MUNICIPALITY), sending(octets, by=OTHER_MUNICIPALITY))
    with pytest.raises(InputError) as refused:
        told(house, document_id)
    assert refused.value.code is Code.ARGUMENT_INVALID

    def meant(party: PartyId) -> Life:
        return explain(house.installation, Uuid4(document_id), OPERATOR, party)

    assert meant(INSTITUTION).sender.party == MUNICIPALITY
    assert meant(OTHER_INSTITUTION).sender.party == OTHER_MUNICIPALITY
    assert meant(MUNICIPALITY).now - house.clock() == timedelta(0)
