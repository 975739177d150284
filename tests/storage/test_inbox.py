"""An inbox shows each system of a party what waits for it, at a cost that does not grow with what lies there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import Connection, text

from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.operations import InboxAttention
from gateway.domain.party import Role, Route
from gateway.storage import deliveries, inbox, parties, sqlite, systems
from gateway.storage.database import Database
from gateway.storage.deliveries import HandoverRow, ReadingRow
from gateway.storage.inbox import InboxPage, InboxRow, Passed
from gateway.storage.tables_documents import document
from tests.storage.samples import (
    COUNSELLOR,
    MUNICIPALITY,
    NOON,
    OTHER_SYSTEM,
    SCHOOL,
    STRANGER,
    SYSTEM,
    add_parties,
    deliver,
    digest,
    new_document,
)

BOTH = frozenset({SYSTEM, OTHER_SYSTEM})
EVIDENCE = Uuid4("3eaf4c6b-6c8e-4f9d-8a41-8d5e1f708192")
FOR_TEACHER = (InboxAttention(Role.TEACHER),)
FOR_COUNSELLOR = (COUNSELLOR,)


def _stored(system: Uuid4, at: datetime) -> HandoverRow:
    return HandoverRow(system, at, EVIDENCE)


def _page(
    connection: Connection,
    *,
    party: PartyId = SCHOOL,
    system: Uuid4 = SYSTEM,
    after_seq: int = 0,
    role: Role | None = None,
    kind: DocumentKind | None = None,
    unread_only: bool = False,
    waiting_only: bool = True,
) -> list[int]:
    page = inbox.inbox_page(
        connection,
        party,
        system_id=system,
        systems=BOTH,
        limit=100,
        after_seq=after_seq,
        role=role,
        kind=kind,
        unread_only=unread_only,
        waiting_only=waiting_only,
    )
    return [row.document_key for row in page.rows]


def test_a_line_tells_what_the_inbox_needs(database: Database) -> None:
    new = new_document()
    with database.alone() as connection:
        key = deliver(connection, new)
        page = inbox.inbox_page(connection, SCHOOL, system_id=SYSTEM, systems=BOTH, limit=1)
    assert page.rows == (
        InboxRow(
            inbox_seq=1,
            document_key=key,
            document_id=new.document_id,
            conversation_id=new.conversation_id,
            kind=new.kind,
            sender=MUNICIPALITY,
            attention=new.attention,
            available_at=NOON,
            attachment_count=0,
            reply_due=new.reply_due,
            subject_protected=True,
            handed_over_at=None,
            read_at=None,
        ),
    )


def test_an_inbox_is_the_recipients_alone(database: Database) -> None:
    with database.alone() as connection:
        deliver(connection)
        for party in (MUNICIPALITY, STRANGER):
            assert _page(connection, party=party) == []


def test_the_unread_are_those_that_nobody_opened(database: Database) -> None:
    with database.alone() as connection:
        read, unread = deliver(connection), deliver(connection)
        reading = ReadingRow(
            role=Role.TEACHER,
            at=NOON,
            system_id=SYSTEM,
            reader_name=None,
            request_digest=digest("request"),
            request_blob=None,
            evidence_id=EVIDENCE,
        )
        deliveries.record_read(connection, SCHOOL, read, reading)
        deliveries.record_handover(connection, SCHOOL, unread, _stored(SYSTEM, NOON))
        assert _page(connection, unread_only=True, waiting_only=False) == [unread]


def test_nothing_disappears_by_being_listed(database: Database) -> None:
    with database.alone() as connection:
        keys = [deliver(connection) for _ in range(3)]
        assert _page(connection) == keys
        assert _page(connection) == keys


def test_pages_go_on_where_the_last_one_ended(database: Database) -> None:
    with database.alone() as connection:
        keys = [deliver(connection) for _ in range(5)]
        first = inbox.inbox_page(connection, SCHOOL, system_id=SYSTEM, systems=BOTH, limit=3)
        assert [row.document_key for row in first.rows] == keys[:3]
        assert _page(connection, after_seq=first.through_seq) == keys[3:]


def test_a_system_that_does_not_act_for_the_party_receives_nothing(database: Database) -> None:
    with database.alone() as connection:
        deliver(connection)
        assert _page(connection, system=Uuid4.new()) == []


def test_a_document_waits_for_each_system_until_that_one_has_stored_it(database: Database) -> None:
    with database.alone() as connection:
        keys = [deliver(connection) for _ in range(3)]
        assert deliveries.record_handover(connection, SCHOOL, keys[1], _stored(SYSTEM, NOON))
        assert _page(connection) == [keys[0], keys[2]]
        assert _page(connection, system=OTHER_SYSTEM) == keys
        assert _page(connection, waiting_only=False) == keys
        assert deliveries.record_handover(connection, SCHOOL, keys[0], _stored(SYSTEM, NOON))
        assert _page(connection) == [keys[2]]
        assert deliveries.record_handover(connection, SCHOOL, keys[2], _stored(SYSTEM, NOON))
        assert _page(connection) == []
        later = deliver(connection)
        assert _page(connection) == [later]
        assert _page(connection, system=OTHER_SYSTEM) == [*keys, later]


def test_a_list_is_narrowed_by_role_and_kind(database: Database) -> None:
    answer = DocumentKind.ANSWER_NOTICE
    with database.alone() as connection:
        letter = deliver(connection, replace(new_document(), attention=(COUNSELLOR,)))
        note = deliver(connection, replace(new_document(), kind=answer, attention=FOR_TEACHER))
        assert _page(connection, role=Role.TEACHER) == [note]
        assert _page(connection, role=Role.STUDY_COUNSELLOR) == [letter]
        assert _page(connection, kind=answer) == [note]
        assert _page(connection, kind=answer, role=Role.MANAGER) == []


def test_routes_decide_which_system_receives_what_even_what_came_before_them(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        systems.add_system(connection, OTHER_SYSTEM, "Sagsprøve", Cvr("11111111"))
        teacher = deliver(connection, replace(new_document(), attention=FOR_TEACHER))
        counsellor = deliver(connection, replace(new_document(), attention=(COUNSELLOR,)))
        parties.set_routes(connection, SCHOOL, [Route(OTHER_SYSTEM, role=Role.TEACHER)])
        assert _page(connection) == [counsellor]
        assert _page(connection, system=OTHER_SYSTEM) == [teacher, counsellor]
        parties.set_routes(connection, SCHOOL, [])
        assert _page(connection) == [teacher, counsellor]


def test_a_page_is_found_behind_many_documents_of_others(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        systems.add_system(connection, OTHER_SYSTEM, "Sagsprøve", Cvr("11111111"))
        parties.set_routes(
            connection,
            SCHOOL,
            [Route(OTHER_SYSTEM, role=Role.TEACHER), Route(SYSTEM, role=Role.STUDY_COUNSELLOR)],
        )
        for _ in range(450):
            deliver(connection, replace(new_document(), attention=FOR_TEACHER))
        ours = deliver(connection, replace(new_document(), attention=(COUNSELLOR,)))
        assert _page(connection) == [ours]


# --- the mark ------------------------------------------------------------------------------------------


def _list(connection: Connection, system: Uuid4 = SYSTEM, **narrowed: int | bool | DocumentKind) -> InboxPage:
    return inbox.inbox_page(
        connection,
        SCHOOL,
        system_id=system,
        systems=BOTH,
        limit=100,
        **narrowed,  # type: ignore[arg-type]
    )


def _pass(connection: Connection, system: Uuid4 = SYSTEM) -> Passed | None:
    """List, and note what was passed, as ListInbox does."""
    page = _list(connection, system)
    if page.passed is not None:
        inbox.pass_over(connection, SCHOOL, system, page.passed)
    return page.passed


def _two_systems(connection: Connection) -> None:
    add_parties(connection)
    systems.add_system(connection, OTHER_SYSTEM, "Sagsprøve", Cvr("11111111"))


def _place(connection: Connection, document_key: int) -> int:
    found = deliveries.find_delivery(connection, SCHOOL, document_key)
    assert found is not None
    return found.inbox_seq


def test_a_list_passes_what_was_handed_over_or_not_routed_up_to_the_first_that_waits(
    database: Database,
) -> None:
    with database.alone() as connection:
        _two_systems(connection)
        parties.set_routes(
            connection,
            SCHOOL,
            [Route(OTHER_SYSTEM, role=Role.TEACHER), Route(SYSTEM, role=Role.STUDY_COUNSELLOR)],
        )
        stored, other, waiting, behind = (
            deliver(connection, replace(new_document(), attention=attention))
            for attention in (FOR_COUNSELLOR, FOR_TEACHER, FOR_COUNSELLOR, FOR_TEACHER)
        )
        deliveries.record_handover(connection, SCHOOL, stored, _stored(SYSTEM, NOON))
        passed = _pass(connection)
        assert passed is not None
        assert passed.through_seq == _place(connection, other)
        assert _pass(connection) is None
        assert _page(connection) == [waiting]
        deliveries.record_handover(connection, SCHOOL, waiting, _stored(SYSTEM, NOON))
        passed = _pass(connection)
        assert passed is not None
        assert passed.through_seq == _place(connection, behind)


def test_a_mark_passes_nothing_that_a_narrower_list_left_out(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        first, second = deliver(connection), deliver(connection)
        for page in (
            _list(connection, kind=DocumentKind.ANSWER_NOTICE),
            _list(connection, after_seq=_place(connection, first)),
            _list(connection, unread_only=True, waiting_only=False),
        ):
            assert page.passed is None
        assert _page(connection) == [first, second]


def test_a_mark_counts_only_by_the_routes_it_was_set_by(database: Database) -> None:
    to_other = Route(OTHER_SYSTEM, role=Role.TEACHER)
    with database.alone() as connection:
        _two_systems(connection)
        parties.set_routes(connection, SCHOOL, [to_other])
        letter = deliver(connection, replace(new_document(), attention=FOR_TEACHER))
        assert _pass(connection) is not None
        assert _page(connection) == []
        alone = inbox.inbox_page(  # the other system acts for the party no more
            connection, SCHOOL, system_id=SYSTEM, systems=frozenset({SYSTEM}), limit=100
        )
        assert [row.document_key for row in alone.rows] == [letter]
        parties.set_routes(connection, SCHOOL, [to_other, Route(SYSTEM, role=Role.TEACHER)])
        assert _page(connection) == [letter]
        parties.set_routes(connection, SCHOOL, [to_other])
        assert _page(connection) == []


def test_a_mark_that_the_version_before_set_counts_by_any_routes(database: Database) -> None:
    with database.alone() as connection:
        add_parties(connection)
        stored, waiting = deliver(connection), deliver(connection)
        deliveries.record_handover(connection, SCHOOL, stored, _stored(SYSTEM, NOON))
        connection.execute(
            text("INSERT INTO inbox_mark (party, system_id, through_seq) VALUES (:party, :system_id, :seq)"),
            {"party": str(SCHOOL), "system_id": SYSTEM.text, "seq": _place(connection, stored)},
        )
        assert _pass(connection) is None
        assert _page(connection) == [waiting]


# --- its cost ------------------------------------------------------------------------------------------

FEW, MANY = 3 * inbox.LOOKED_AT_MOST, 12 * inbox.LOOKED_AT_MOST
_COPIES: Final = "WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < :count)"


def _grow(connection: Connection, like: int, count: int, *, stored_by: Uuid4 | None) -> None:
    """Put many more documents like this one into the inbox, which a system has stored or not."""
    columns = [each.name for each in document.columns if each.name != "key"]
    (first,) = connection.execute(text("SELECT max(key) FROM document")).one()
    copied = ", ".join(
        "(copy.n + :first) || document_id" if each == "document_id" else each for each in columns
    )
    given = {"count": count, "like": like, "first": first}
    for statement in (
        f"INSERT INTO document ({', '.join(columns)}) {_COPIES} SELECT {copied} FROM document, copy"
        " WHERE key = :like ORDER BY copy.n",
        "INSERT INTO delivery (document_key, recipient, available_at) SELECT key, recipient, accepted_at"
        " FROM document WHERE key > :first ORDER BY key",
    ):
        connection.execute(text(statement), given)
    if stored_by is not None:
        connection.execute(
            text(
                "INSERT INTO handover (document_key, system_id, at, evidence_id)"
                " SELECT key, :system_id, 0, 'evidence' FROM document WHERE key > :first"
            ),
            {"system_id": stored_by.text, **given},
        )


def _work(database: Database, system: Uuid4, **narrowed: bool | DocumentKind) -> int:
    """How much the database itself did for one list: rows that it read, or steps of its machine."""
    with database.read() as connection:
        if connection.dialect.name == "postgresql":
            before = _rows_read(connection)  # of what the server has not yet counted elsewhere
            _list(connection, system, **narrowed)
            return _rows_read(connection) - before
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1

        sqlite.driver(connection).set_progress_handler(count, 1)
        _list(connection, system, **narrowed)
        sqlite.driver(connection).set_progress_handler(None, 1)
        return steps


def _rows_read(connection: Connection) -> int:
    (read,) = connection.execute(
        text(
            "SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
        )
    ).one()
    return int(read)


@pytest.mark.parametrize("is_known", [True, False], ids=["analysed", "not analysed"])
def test_a_list_costs_the_same_however_much_lies_in_the_inbox(database: Database, is_known: bool) -> None:
    """Each case passes over more than a list looks at, in another way; the planner knows the tables, or nothing."""
    lists: dict[str, tuple[Uuid4, dict[str, bool | DocumentKind]]] = {
        "all stored": (SYSTEM, {}),
        "nothing routed": (OTHER_SYSTEM, {}),
        "another kind": (SYSTEM, {"kind": DocumentKind.ANSWER_NOTICE, "waiting_only": False}),
        "unread": (SYSTEM, {"kind": DocumentKind.ANSWER_NOTICE, "waiting_only": False, "unread_only": True}),
    }
    with database.alone() as connection:
        _two_systems(connection)
        routes = [Route(SYSTEM), Route(OTHER_SYSTEM, DocumentKind.ANSWER_NOTICE)]
        parties.set_routes(connection, SCHOOL, routes)
        like = deliver(connection)
    work: list[dict[str, int]] = []
    for count in (FEW, MANY - FEW):
        with database.alone() as connection:
            _grow(connection, like, count, stored_by=SYSTEM)
            if is_known:
                connection.exec_driver_sql("ANALYZE")
        work.append({name: _work(database, system, **narrowed) for name, (system, narrowed) in lists.items()})
    for name, few in work[0].items():
        assert work[1][name] <= 1.1 * few, name


def test_a_system_that_follows_its_pages_finds_the_one_that_waits_behind_thousands(
    database: Database,
) -> None:
    with database.alone() as connection:
        _two_systems(connection)
        like = deliver(connection)
        _grow(connection, like, FEW, stored_by=SYSTEM)
        last = deliver(connection)
        deliveries.record_handover(connection, SCHOOL, like, _stored(SYSTEM, NOON))
    found, after, pages, has_more = list[int](), 0, 0, True
    while has_more:
        with database.read() as connection:
            page = _list(connection, after_seq=after)
        found += [row.document_key for row in page.rows]
        after, has_more, pages = page.through_seq, page.has_more, pages + 1
    assert found == [last]
    assert pages == 1 + FEW // inbox.LOOKED_AT_MOST


def test_a_system_that_only_asks_again_gets_there_too(database: Database) -> None:
    with database.alone() as connection:
        _two_systems(connection)
        like = deliver(connection)
        _grow(connection, like, FEW, stored_by=SYSTEM)
        deliveries.record_handover(connection, SCHOOL, like, _stored(SYSTEM, NOON))
        last = deliver(connection)
        for _ in range(FEW // inbox.LOOKED_AT_MOST):
            assert _page(connection) == []
            _pass(connection)
        assert _page(connection) == [last]


@pytest.mark.parametrize("unread_only", [False, True])
def test_a_list_on_sqlite_begins_at_its_place(tmp_path: Path, unread_only: bool) -> None:
    """Nothing of what lies before it is looked at, not even its keys."""
    database = Database.open(f"sqlite:///{tmp_path / 'bropost.db'}", busy_seconds=1)
    database.migrate()
    with database.read() as connection:
        window = inbox._WINDOWS["sqlite", unread_only]._text(connection.dialect)
        values = window.arrange((str(SCHOOL), str(SYSTEM), 0))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {window.sql}", tuple(values)).all()
    database.close()
    assert plan[0][3].startswith("SEARCH delivery USING INDEX ix_delivery_")
    assert plan[0][3].endswith("(recipient=? AND inbox_seq>?)")
    assert "TEMP B-TREE" not in str(plan)
