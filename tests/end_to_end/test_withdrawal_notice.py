"""A document whose header withdraws another one does so as WithdrawDocument does, and is itself delivered."""

from __future__ import annotations

import pytest

from gateway.domain.mandate import Operation
from tests.end_to_end.store_checks import require_whole
from tests.end_to_end.withdrawing import (
    NOTHING_WAS_ASKED,
    answer_to,
    evidence_of,
    require_verified,
    risk_notice,
    rows,
    same_conversation,
    status,
    store,
    stream,
    waits,
    withdrawal_of,
)
from tests.golden.changes import Insert, SetText
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_INSTITUTION,
    TestInstallation,
)
from tests.services.papers import (
    accepted,
    between,
    id_of,
    paper,
    request,
    sending,
)


def test_a_notice_of_withdrawal_overtakes_what_it_withdraws(house: TestInstallation) -> None:
    told = paper(house.clock(), name="dropout-risk-notice-minimum")
    accepted(house.sis, sending(told, by=INSTITUTION))
    taken = withdrawal_of(house, told)
    accepted(house.sis, sending(taken, by=INSTITUTION))
    house.work()
    listed = accepted(house.esdh, request("ListInbox", MUNICIPALITY))
    assert listed.texts("Item/DocumentId") == [id_of(taken)]
    known = status(house, INSTITUTION, id_of(told))
    assert (known.text("State"), known.texts("Event/RelatedDocumentId")) == ("WITHDRAWN", [id_of(taken)])
    assert known.texts("Event/Reason/Code") == ["WRONG_RECIPIENT"]
    about_notice = {kind for kind, _ in waits(status(house, INSTITUTION, id_of(taken)))}
    assert about_notice == {"HANDOVER", "READ"}  # there is nothing that the municipality could delete
    assert rows(house, "SELECT count(*) FROM data_key") == 2  # the notice's
    require_verified(house)
    require_whole(house.installation)


def test_of_what_is_stored_a_notice_of_withdrawal_asks_for_an_answer(house: TestInstallation) -> None:
    told = risk_notice(house)
    taken = withdrawal_of(house, told)
    accepted(house.sis, sending(taken, by=INSTITUTION))
    house.work()
    store(house, id_of(taken))
    assert stream(house, MUNICIPALITY, id_of(told))[-1] == "WITHDRAWN"
    assert waits(status(house, INSTITUTION, id_of(told))) == [("DELETION", "false")]
    assert waits(status(house, INSTITUTION, id_of(taken))) == [("READ", "false")]
    answer = answer_to(house, told, id_of(taken), *NOTHING_WAS_ASKED)
    accepted(house.esdh, sending(answer, operation="SendNotice"))
    house.work()
    known = status(house, INSTITUTION, id_of(taken))
    assert (known.text("State"), known.texts("Event/AnswerCode")) == ("ANSWERED", ["ACCEPTED"])
    assert waits(known) == waits(status(house, INSTITUTION, id_of(told))) == []
    assert stream(house, INSTITUTION, id_of(told))[-1] == "DELETION_ANSWERED"
    (found,) = [
        each for each in evidence_of(house, MUNICIPALITY, id_of(told)) if each["Event"] == "Withdrawal"
    ]
    assert found["Reasons/Reason/Code"] == "WRONG_RECIPIENT"


def test_a_withdrawal_by_both_ways_is_one(house: TestInstallation) -> None:
    told = risk_notice(house)
    body = request("WithdrawDocument", INSTITUTION, DocumentId=id_of(told), Reason="WRONG_SUBJECT")
    accepted(house.sis, body)
    taken = withdrawal_of(house, told)
    first = accepted(house.sis, sending(taken, by=INSTITUTION))
    again = accepted(house.sis, sending(taken, by=INSTITUTION))
    assert again.text("SubmissionAcceptance") == first.text("SubmissionAcceptance")
    assert stream(house, INSTITUTION, id_of(told)).count("WITHDRAWN") == 1
    assert status(house, INSTITUTION, id_of(told)).texts("Event/Reason/Code") == ["WRONG_SUBJECT"]


def test_any_document_whose_header_withdraws_does_so(house: TestInstallation) -> None:
    told = risk_notice(house)
    reference = (
        f"<Withdraws><DocumentId>{id_of(told)}</DocumentId><Reason>Sendt to gange.</Reason></Withdraws>"
    )
    newer = paper(
        house.clock(),
        same_conversation(told),
        Insert("before", "/Document/Header/CreatedAt", reference),
        name="dropout-risk-notice-minimum",
    )
    accepted(house.sis, sending(newer, by=INSTITUTION))
    known = status(house, INSTITUTION, id_of(told))
    assert known.texts("Event/Reason/Code") == ["OTHER"]
    assert known.texts("Event/RelatedDocumentId") == [id_of(newer)]
    assert waits(known) == [("DELETION", "false")]


def test_who_may_send_notices_may_not_withdraw_by_them(house: TestInstallation) -> None:
    told = risk_notice(house)
    house.mandate("leverandoer-esdh", INSTITUTION, [Operation.SEND_NOTICE])
    taken = withdrawal_of(house, told)
    vendor = house.caller("leverandoer-esdh", house.sis.endpoint.service)
    refused = vendor.call(sending(taken, by=INSTITUTION))
    assert refused.fault_code == "MANDATE_MISSING"
    assert "WithdrawDocument" in refused.http.body.decode()
    assert status(house, INSTITUTION, id_of(told)).text("State") == "HANDED_OVER"


@pytest.mark.parametrize("taken_back", [False, True])
def test_a_withdrawn_notice_of_risk_is_none_that_could_continue(
    house: TestInstallation, taken_back: bool
) -> None:
    told = paper(house.clock(), name="dropout-risk-notice-minimum")
    accepted(house.sis, sending(told, by=INSTITUTION))
    if taken_back:
        body = request("WithdrawDocument", INSTITUTION, DocumentId=id_of(told), Reason="WRONG_SUBJECT")
        accepted(house.sis, body)
    continued = SetText("/Document/DropoutRiskNotice/Phase", "CONTINUED")
    newer = paper(house.clock(), same_conversation(told), continued, name="dropout-risk-notice-minimum")
    answer = house.sis.call(sending(newer, by=INSTITUTION))
    assert answer.fault_code == ("RULE_N04" if taken_back else None)


def test_nobody_withdraws_what_went_to_another_school(house: TestInstallation) -> None:
    """The notice goes to one school, the letter went to another: the rules find no such letter there."""
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    taken = paper(
        house.clock(),
        SetText("/Document/Header/Withdraws/DocumentId", id_of(letter)),
        SetText("/Document/WithdrawalNotice/WithdrawnDocumentId", id_of(letter)),
        same_conversation(letter),
        *between(MUNICIPALITY, OTHER_INSTITUTION),
        name="withdrawal-notice",
    )
    refused = house.esdh.call(sending(taken, operation="SendNotice"))
    assert refused.fault_code == "RULE_H15"
    assert status(house, MUNICIPALITY, id_of(letter)).text("State") == "ACCEPTED"
