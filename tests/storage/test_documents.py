"""Documents come back to their sender and their recipient, and exist for nobody else."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.storage import deliveries, documents, validation_material
from gateway.storage.database import Database
from gateway.storage.documents import PartRow
from tests.storage.samples import MUNICIPALITY, NOON, SCHOOL, STRANGER, digest, new_document

PARTS = [PartRow(1, digest("a").hex(), 10, digest("one")), PartRow(2, digest("b").hex(), 20, digest("two"))]


def test_a_document_comes_back_as_it_was_accepted(database: Database) -> None:
    new = replace(new_document(), request_blob="blob", reply_to=Uuid4.new())
    with database.alone() as connection:
        key = documents.insert_document(connection, new, PARTS)
    with database.read() as connection:
        found = documents.find_own(connection, MUNICIPALITY, new.document_id)
        assert found is not None
        assert asdict(found) == {**asdict(new), "key": key}
        assert documents.document_by_key(connection, key) == found
        assert documents.parts_of(connection, key) == tuple(PARTS)


def test_a_recipient_sees_a_document_once_it_is_delivered(database: Database) -> None:
    new = new_document()
    with database.alone() as connection:
        key = documents.insert_document(connection, new, [])
        assert documents.find_visible(connection, SCHOOL, new.document_id) is None
        deliveries.add_delivery(connection, key, SCHOOL, NOON)
        documents.add_data_key(connection, key, SCHOOL, b"wrapped for the recipient")
        seen = documents.find_visible(connection, SCHOOL, new.document_id)
        assert seen is not None
        assert seen.wrapped_key == b"wrapped for the recipient"
        own = documents.find_visible(connection, MUNICIPALITY, new.document_id)
        assert own is not None
        assert own.wrapped_key == b"wrapped for the sender"
        assert documents.wrapped_key_of(connection, key, STRANGER) is None


@pytest.mark.parametrize("party", [STRANGER, PartyId(MUNICIPALITY.cvr, "0998"), PartyId(SCHOOL.cvr, "0999")])
def test_a_foreign_party_finds_nothing_whatever_it_asks(database: Database, party: PartyId) -> None:
    new = new_document()
    with database.alone() as connection:
        key = documents.insert_document(connection, new, [])
        deliveries.add_delivery(connection, key, SCHOOL, NOON)
        assert documents.find_own(connection, party, new.document_id) is None
        assert documents.find_visible(connection, party, new.document_id) is None
        assert documents.conversation_documents(connection, party, new.conversation_id) == ()


def test_a_recipient_is_not_the_owner(database: Database) -> None:
    new = new_document()
    with database.alone() as connection:
        key = documents.insert_document(connection, new, [])
        deliveries.add_delivery(connection, key, SCHOOL, NOON)
        assert documents.find_own(connection, SCHOOL, new.document_id) is None


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [(SCHOOL, MUNICIPALITY), (SCHOOL, STRANGER), (STRANGER, SCHOOL), (STRANGER, MUNICIPALITY)],
    ids=["answered", "sent on", "to who was sent it", "to who sent it"],
)
def test_a_party_has_one_document_of_an_id(database: Database, sender: PartyId, recipient: PartyId) -> None:
    first = new_document()
    second = replace(first, sender=sender, recipient=recipient)
    with database.alone() as connection:
        documents.insert_document(connection, first, [])
    with pytest.raises(InputError) as refused, database.alone() as connection:
        documents.insert_document(connection, second, [])
    assert refused.value.code is Code.DOCUMENT_ID_TAKEN
    with database.read() as connection:
        assert documents.find_own(connection, sender, first.document_id) is None


def test_parties_that_share_no_document_may_use_the_same_id(database: Database) -> None:
    first = new_document()
    second = replace(first, sender=STRANGER, recipient=PartyId(MUNICIPALITY.cvr, "0998"))
    with database.alone() as connection:
        key = documents.insert_document(connection, first, [])
        assert documents.insert_document(connection, second, []) != key


def test_the_same_id_from_the_same_sender_cannot_be_stored_twice(database: Database) -> None:
    new = new_document()
    with database.alone() as connection:
        key = documents.insert_document(connection, new, [])
    with pytest.raises(InternalError), database.alone() as connection:
        documents.insert_document(connection, replace(new, content_digest=digest("other")), [])
    with database.read() as connection:
        found = documents.find_own(connection, MUNICIPALITY, new.document_id)
        assert found is not None
        assert (found.key, found.content_digest) == (key, new.content_digest)


def test_a_conversation_keeps_the_order_of_acceptance(database: Database) -> None:
    sent = [new_document(), new_document(sender=SCHOOL), new_document()]
    with database.alone() as connection:
        for new in sent:
            documents.insert_document(connection, new, [])
        rows = documents.conversation_documents(connection, MUNICIPALITY, sent[0].conversation_id)
        assert [row.document_id for row in rows] == [sent[0].document_id, sent[2].document_id]


def test_certificates_and_lists_are_kept_once(database: Database) -> None:
    with database.alone() as connection:
        for material in ((b"list", b"leaf"), (b"list",), (b"leaf", b"root", b"leaf"), ()):
            validation_material.keep(connection, material)
        rows = connection.exec_driver_sql("SELECT count(*) FROM validation_material").scalar_one()
        assert rows == 3
        names = [validation_material.name_of(octets) for octets in (b"list", b"root", b"list")]
        assert validation_material.kept(connection, names) == (b"list", b"root", b"list")


def test_missing_validation_material_is_not_passed_over(database: Database) -> None:
    with database.read() as connection, pytest.raises(InternalError) as missing:
        validation_material.kept(connection, [digest("never kept").hex()])
    assert missing.value.code is Code.STORED_DATA_ALTERED
