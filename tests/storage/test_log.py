"""A log grows entry by entry, and every proof of it can be made from what is stored."""

from __future__ import annotations

import threading
from functools import partial
from hashlib import sha256

import pytest
from sqlalchemy import Connection

from gateway.domain.disclosure import LogOrigin
from gateway.domain.errors import InternalError
from gateway.domain.identifiers import Uuid4
from gateway.storage import log, openings
from gateway.storage.database import Database
from gateway.storage.log import NewEntry
from gateway.storage.openings import Opening
from gateway.translog.merkle import Frontier, inclusion_proof, leaf_hash, verify_inclusion
from tests.storage.samples import MINUTE, MUNICIPALITY, NOON, SCHOOL, STRANGER

INSTALLATION = Uuid4("3eaf4c6b-6c8e-4f9d-8041-8d5e1f70a1b2")


def _open(database: Database) -> None:
    with database.alone() as connection:
        for party in (MUNICIPALITY, SCHOOL):
            log.open_log(connection, LogOrigin(INSTALLATION, party))


def _entry(number: int) -> NewEntry:
    return NewEntry(Uuid4.new(), b'{"entry":%d}' % number)


def _root(connection: Connection) -> bytes:
    head = log.log_head(connection, MUNICIPALITY)
    assert head is not None
    return head.frontier.root()


def _root_of(leaves: list[bytes]) -> bytes:
    """The root as RFC 9162 §2.1.1 defines it, from all leaves."""
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + _root_of(leaves[:middle]) + _root_of(leaves[middle:])).digest()


def test_the_stored_head_is_the_root_over_all_entries(database: Database) -> None:
    _open(database)
    octets: list[bytes] = []
    for number in range(20):
        with database.alone() as connection:
            entry = _entry(number)
            assert log.append(connection, MUNICIPALITY, entry) == number
        octets.append(entry.octets)
        with database.read() as connection:
            assert _root(connection) == _root_of(octets)


def test_many_entries_at_once_give_the_log_that_one_by_one_gives(database: Database) -> None:
    _open(database)
    entries = [_entry(number) for number in range(600)]
    with database.alone() as connection:
        assert log.append(connection, MUNICIPALITY, *entries[:250]) == 0
        assert log.append(connection, MUNICIPALITY, *entries[250:]) == 250
        assert _root(connection) == _root_of([entry.octets for entry in entries])
        found = list(log.entries(connection, MUNICIPALITY, 0, 600))
        assert [each.seq for each in found] == list(range(600))
        assert [each.octets for each in found] == [entry.octets for entry in entries]
        assert [each.seq for each in log.entries(connection, MUNICIPALITY, 598, 10)] == [598, 599]
        hashes = log.leaf_hashes(connection, MUNICIPALITY, 1, 2)
        assert hashes == leaf_hash(entries[1].octets) + leaf_hash(entries[2].octets)


def test_every_entry_can_be_proved_from_the_stored_tiles(database: Database) -> None:
    _open(database)
    entries = [_entry(number) for number in range(530)]
    with database.alone() as connection:
        log.append(connection, MUNICIPALITY, *entries)
        tiles = partial(log.tile, connection, MUNICIPALITY)
        for index in (0, 255, 256, 511, 529):
            proof = inclusion_proof(index, 530, tiles)
            leaf = leaf_hash(entries[index].octets)
            assert verify_inclusion(leaf, index, 530, proof, _root(connection))


def test_each_party_has_a_log_of_its_own(database: Database) -> None:
    _open(database)
    entry = _entry(1)
    with database.alone() as connection:
        log.append(connection, SCHOOL, _entry(0), entry)
        found = log.find_entry(connection, SCHOOL, entry.entry_id)
        assert found is not None
        assert (found.seq, found.octets) == (1, entry.octets)
        assert log.find_entry(connection, MUNICIPALITY, entry.entry_id) is None
        assert list(log.entries(connection, MUNICIPALITY, 0, 10)) == []
        assert log.leaf_hashes(connection, MUNICIPALITY, 0, 10) == b""
        sizes = {head.party: head.size for head in log.log_heads(connection)}
        assert sizes == {MUNICIPALITY: 0, SCHOOL: 2}


def test_nothing_is_appended_to_a_log_that_was_not_opened(database: Database) -> None:
    with database.alone() as connection:
        assert log.log_head(connection, STRANGER) is None
        with pytest.raises(InternalError):
            log.append(connection, STRANGER, _entry(0))
        with pytest.raises(InternalError):
            log.add_checkpoint(connection, STRANGER, 0, "note", NOON)


def test_an_append_that_is_undone_leaves_the_log_as_it_was(database: Database) -> None:
    _open(database)
    with database.alone() as connection:
        log.append(connection, MUNICIPALITY, _entry(0))
    with pytest.raises(InternalError), database.alone() as connection:
        log.append(connection, MUNICIPALITY, _entry(1), NewEntry(_first_id(connection), b"again"))
    with database.read() as connection:
        head = log.log_head(connection, MUNICIPALITY)
        assert head is not None
        assert head.size == len(list(log.entries(connection, MUNICIPALITY, 0, 10))) == 1


def _first_id(connection: Connection) -> Uuid4:
    return next(log.entries(connection, MUNICIPALITY, 0, 1)).entry_id


def test_two_threads_append_without_a_gap(database: Database) -> None:
    _open(database)

    def work() -> None:
        for number in range(20):
            with database.alone() as connection:
                log.append(connection, MUNICIPALITY, _entry(number))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as connection:
        entries = list(log.entries(connection, MUNICIPALITY, 0, 100))
        assert [entry.seq for entry in entries] == list(range(40))
        assert _root(connection) == _root_of([entry.octets for entry in entries])


def test_all_checkpoints_are_kept_and_the_latest_is_over_the_most_entries(database: Database) -> None:
    _open(database)
    with database.alone() as connection:
        assert log.latest_checkpoint(connection, MUNICIPALITY) is None
        for size in (2, 3):
            log.add_checkpoint(connection, MUNICIPALITY, size, f"note {size}", NOON)
        kept = log.all_checkpoints(connection, MUNICIPALITY)
        assert [(each.size, each.note) for each in kept] == [(2, "note 2"), (3, "note 3")]
        assert log.latest_checkpoint(connection, MUNICIPALITY) == kept[-1]
        assert log.all_checkpoints(connection, SCHOOL) == ()


def test_a_log_is_due_for_a_checkpoint_when_it_grew_and_its_last_one_is_old(database: Database) -> None:
    _open(database)

    def due(connection: Connection, minutes: int) -> list[tuple[object, int]]:
        heads = log.heads_to_checkpoint(connection, NOON + minutes * MINUTE, NOON + 60 * MINUTE)
        return [(head.origin.party, head.size) for head in heads]

    with database.alone() as connection:
        assert due(connection, 0) == []
        log.append(connection, MUNICIPALITY, _entry(0))
        assert due(connection, 0) == [(MUNICIPALITY, 1)]
        log.add_checkpoint(connection, MUNICIPALITY, 1, "note", NOON)
        assert due(connection, 5) == []
        log.append(connection, MUNICIPALITY, _entry(1))
        assert due(connection, -1) == []
        assert due(connection, 0) == [(MUNICIPALITY, 2)]


def test_an_erased_opening_is_gone_from_the_file_and_its_entry_stays(sqlite: Database) -> None:
    database = sqlite
    _open(database)
    entry, other = _entry(0), _entry(1)
    secret = b"the encrypted salts and values of the first entry"
    with database.alone() as connection:
        log.append(connection, MUNICIPALITY, entry, other)
        openings.put_openings(
            connection, Opening(entry.entry_id, b"key", secret), Opening(other.entry_id, b"key", b"kept")
        )
    with database.alone() as connection:
        assert openings.find_opening(connection, entry.entry_id) == Opening(entry.entry_id, b"key", secret)
        forget = "DELETE FROM opening WHERE entry_id = ?"
        connection.exec_driver_sql(forget, (entry.entry_id.text,))
        assert openings.find_opening(connection, entry.entry_id) is None
        assert openings.find_opening(connection, other.entry_id) is not None
        assert log.find_entry(connection, MUNICIPALITY, entry.entry_id) is not None
        path = connection.exec_driver_sql("PRAGMA database_list").one()[2]
    database.close()
    with open(path, "rb") as file:
        assert secret not in file.read()


def test_the_frontier_is_stored_whole(database: Database) -> None:
    _open(database)
    with database.alone() as connection:
        log.append(connection, MUNICIPALITY, *[_entry(number) for number in range(7)])
        head = log.log_head(connection, MUNICIPALITY)
        assert head is not None
        assert head.frontier == Frontier().extend(log.leaf_hashes(connection, MUNICIPALITY, 0, 7))
