"""Signed as it must be, by somebody who may not ask this: a stranger, or a system of another party."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.identifiers import PartyId
from tests.attacks.door import Case, Door, Left
from tests.attacks.pens import letter, posted, sent
from tests.installation import INSTITUTION, MUNICIPALITY, OTHER_MUNICIPALITY
from tests.services.papers import between, id_of, notice, paper, request, sending


def _by(
    name: str, key: str, guard: str, code: Code, what: Left, body: Callable[[Door], etree._Element]
) -> Case:
    """A trusted system asks what is not for it."""
    return sent(
        name,
        guard,
        "threat model, SOAP services, S",
        code,
        lambda door: posted(door, body(door), key=key),
        letter,
        what,
    )


def _of_another(door: Door) -> etree._Element:
    return sending(
        paper(door.house.clock(), *between(OTHER_MUNICIPALITY, INSTITUTION)), by=OTHER_MUNICIPALITY
    )


def _between_others(door: Door) -> etree._Element:
    """A question about a letter that another municipality sent to another party."""
    document = paper(door.house.clock())
    door.passes(posted(door, sending(document)))
    return request("GetStatus", OTHER_MUNICIPALITY, DocumentId=id_of(document))


def _reading_of_own_letter(door: Door) -> etree._Element:
    """The sender says that a letter of its own was read."""
    document = paper(door.house.clock())
    door.passes(posted(door, sending(document)))
    read_at = door.house.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
    return request(
        "RegisterRead", MUNICIPALITY, DocumentId=id_of(document), ReaderRole="TEACHER", ReadAt=read_at
    )


def _own_letter(door: Door) -> etree._Element:
    return sending(paper(door.house.clock()))


CASES: tuple[Case, ...] = (
    _by(
        "a certificate of no registered system",
        "eksempelby-esdh-2048",
        "services.access:identify",
        Code.SYSTEM_UNKNOWN,
        Left.ANSWER,
        _own_letter,
    ),
    _by(
        "a certificate with another CVR number",
        "bad-wrong-cvr",
        "services.access:identify",
        Code.SYSTEM_UNKNOWN,
        Left.ANSWER,
        _own_letter,
    ),
    _by(
        "a supplier without mandate",
        "leverandoer-esdh",
        "domain.mandate:require_authority",
        Code.MANDATE_MISSING,
        Left.RECORD,
        _own_letter,
    ),
    _by(
        "a municipality in another's name",
        "proevelund-esdh",
        "domain.mandate:require_authority",
        Code.MANDATE_MISSING,
        Left.RECORD,
        _own_letter,
    ),
    _by(
        "a school in a municipality's name",
        "proeveby-sis",
        "domain.mandate:require_authority",
        Code.MANDATE_MISSING,
        Left.RECORD,
        _own_letter,
    ),
    _by(
        "a letter of a party that the system does not act for",
        "eksempelby-esdh",
        "domain.mandate:require_authority",
        Code.MANDATE_MISSING,
        Left.RECORD,
        _of_another,
    ),
    _by(
        "a letter between others",
        "proevelund-esdh",
        "services.access:require_visible",
        Code.NOT_FOUND,
        Left.RECORD,
        _between_others,
    ),
    _by(
        "a reading of one's own letter",
        "eksempelby-esdh",
        "services.access:require_visible",
        Code.NOT_FOUND,
        Left.RECORD,
        _reading_of_own_letter,
    ),
    _by(
        "a sender other than whom the system acts for",
        "eksempelby-esdh",
        "services.submission:submit",
        Code.SENDER_NOT_ACTING_PARTY,
        Left.EVIDENCE,
        lambda door: sending(paper(door.house.clock(), *between(OTHER_MUNICIPALITY, INSTITUTION))),
    ),
    _by(
        "a recipient that nobody knows",
        "eksempelby-esdh",
        "services.judgement:judge",
        Code.RECIPIENT_UNKNOWN,
        Left.EVIDENCE,
        lambda door: sending(
            paper(door.house.clock(), *between(MUNICIPALITY, PartyId(INSTITUTION.cvr, "999003")))
        ),
    ),
    _by(
        "a notice by the operation for letters",
        "eksempelby-esdh",
        "services.submission:_require_carried",
        Code.KIND_NOT_ACCEPTED,
        Left.EVIDENCE,
        lambda door: sending(notice(door.house.clock()), operation="SendLetter"),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_who_may_not_ask_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)
