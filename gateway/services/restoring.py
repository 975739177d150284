"""A store that comes from a backup: held against what is known outside before it may serve, or continued knowingly.

A log whose entries are missing here is never appended to under its name: somebody holds a checkpoint of its other
history. To go on, it is closed as it is, and the party gets a log of another origin, which begins by telling so.
Either way something may have been done after the backup of which nothing is left here, so nothing is sent by itself,
and no silence is told that may not be one. docs/decisions/0025.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, unique
from typing import Final

from sqlalchemy import Connection

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import EntryKind, LogOrigin
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.services import log_entries, waits
from gateway.services.delivery import open_wait
from gateway.services.installation import Installation
from gateway.services.log_entries import PreparedEntry
from gateway.storage import configuration, log, outbox
from gateway.storage.configuration import SetAside
from gateway.storage.copy import skip_ahead
from gateway.storage.log import LogHead
from gateway.translog.checkpoint import Checkpoint, LogKey, parse_checkpoint, sign_checkpoint
from gateway.translog.merkle import Frontier, leaf_hash

CONTINUED: Final = "LOG_CONTINUED"  # the first entry of a log that goes on where another was closed
NOTHING_KNOWN: Final = "NOTHING_KNOWN_OUTSIDE"  # in that entry: nobody keeps a checkpoint of the closed one
KEYS_SKIPPED: Final = (
    1_000_000  # of events and deliveries: more than were given since any backup that one would restore
)
_KNOWN: Final = "known_outside"
_BETWEEN: Final = "\n\f\n"  # stands in no checkpoint


@unique
class Finding(Enum):
    """What became of a log's newest known checkpoint."""

    HERE = "all that it tells of is here"
    MISSING = "entries that it tells of are not here"
    OTHER = "other entries are here than it tells of"
    UNKNOWN = "no checkpoint of it was given"


@dataclass(frozen=True)
class Compared:
    """One log, held against what is known outside."""

    party: PartyId
    size: int  # here
    known: Checkpoint | None  # the newest
    finding: Finding


@dataclass(frozen=True)
class Doubted:
    """What of a store may have been met or done after its backup, so that it does not go on by itself."""

    deliveries: int  # wait for a person, so that nothing is sent a second time unseen
    waits: int  # begin anew: what ended them may be lost


@dataclass(frozen=True)
class Comparison:
    """A store, held against what is known outside."""

    logs: tuple[Compared, ...]
    is_whole: bool  # something is known of every log, and all that it tells of is here
    doubted: Doubted | None  # of a store that comes from a backup, and may serve now


@dataclass(frozen=True)
class Continued:
    """A store that goes on as another installation."""

    installation: Uuid4
    closed: tuple[LogOrigin, ...]
    doubted: Doubted


def compare(installation: Installation, notes: Sequence[str], *, restored: bool = False) -> Comparison:
    """Hold every log against the checkpoints that are known outside, and note in the store what follows.

    If entries are missing, or are others, the store is set aside for good: BEHIND. If something is known, and every log
    that has entries is held against a checkpoint and all of them are here, it may serve. Else it stays as it was, and
    what it was held against is remembered in a store from a backup. Nothing is appended.

    Of what came after both the backup and the checkpoints nobody can tell. So in a store that comes from a backup what
    was under way is set aside, and waits begin anew, before it may serve; and the keys behind clients' cursors skip
    ahead. `restored`: it was brought back, though it does not say so itself.

    `notes` are checkpoints as they were signed. Errors as `parse_checkpoint` and `SignedCheckpoint.verify`; InputError
    STORE_UNFINISHED or STORE_MOVED if the store is not here at all. The database must be nobody else's: InputError
    DATABASE_IN_USE.
    """
    database, at = installation.database, installation.clock()
    if restored:
        with database.alone(
            unhurried=True
        ) as connection:  # said once, it stays said, whatever the check meets
            database.require_unused(connection)
            if _mark(connection) is None:
                configuration.note_set_aside(connection, SetAside.RESTORED)
    with database.alone(unhurried=True) as connection:
        database.require_unused(connection)
        mark = _mark(connection)
        remembered = configuration.find_value(connection, _KNOWN)
        every = (*notes, *(remembered.split(_BETWEEN) if remembered else ()))
        known = _known(installation, every)
        heads = {head.party: head for head in log.log_heads(connection)}
        compared = tuple(
            _compare(connection, party, heads.get(party), known.get(party, []))
            for party in sorted({*heads, *known}, key=str)
        )
        findings = {each.finding for each in compared}
        if not findings.isdisjoint({Finding.MISSING, Finding.OTHER}):
            configuration.note_set_aside(connection, SetAside.BEHIND)
            _remember(connection, every)
            return Comparison(compared, is_whole=False, doubted=None)
        if not every or Finding.UNKNOWN in findings:
            if mark is not None:
                _remember(connection, every)
            return Comparison(compared, is_whole=False, doubted=None)
        doubted = _doubt(installation, connection, at, mark) if mark is not None else None
        _let_serve(connection)
    return Comparison(compared, is_whole=True, doubted=doubted)


def _mark(connection: Connection) -> SetAside | None:
    """Why the store may not be served; one that is not here, or not yet, is not judged."""
    elsewhere, mark = configuration.moved_to(connection), configuration.set_aside(connection)
    if elsewhere is not None:
        raise InputError(Code.STORE_MOVED, address=elsewhere)
    if mark is SetAside.UNFINISHED:
        raise InputError(mark.code)
    return mark


def _remember(connection: Connection, notes: Sequence[str]) -> None:
    """Keep what is known outside, so that a second look with less of it finds no more."""
    configuration.set_value(connection, _KNOWN, _BETWEEN.join(dict.fromkeys(notes)))


def _let_serve(connection: Connection) -> None:
    configuration.note_set_aside(connection, None)
    configuration.forget_value(connection, _KNOWN)


def _doubt(installation: Installation, connection: Connection, at: datetime, mark: SetAside) -> Doubted:
    """Set aside whatever may have been done after the backup, and let begin anew what may have been met."""
    begun = waits.begin_all_anew(connection, at)
    promised = outbox.promised(connection)
    for promise in promised:
        open_wait(installation, connection, promise.row.document_key, at)
    outbox.park_all(connection, at, mark.code)
    skip_ahead(connection, KEYS_SKIPPED)
    return Doubted(len(promised), begun)


def _known(installation: Installation, notes: Sequence[str]) -> dict[PartyId, list[Checkpoint]]:
    """What is known outside of each party's log, in the order of size. Only what a log key of ours signed counts."""
    found: dict[PartyId, list[Checkpoint]] = {}
    for note in dict.fromkeys(notes):
        signed = parse_checkpoint(note)
        party = _party_of(installation, signed.claimed.origin)
        origin = installation.origin(party)
        ours = LogKey.of(origin, installation.checkpoint_key)
        found.setdefault(party, []).append(signed.verify([ours], str(origin)))
    return {party: sorted(each, key=lambda checkpoint: checkpoint.size) for party, each in found.items()}


def _party_of(installation: Installation, origin: str) -> PartyId:
    try:
        parsed = LogOrigin.parse(origin)
    except ValueError as error:
        raise InputError(Code.LOG_CHECKPOINT_MALFORMED, what="origin, size or root") from error
    if parsed.installation != installation.id:
        raise InputError(Code.ARGUMENT_INVALID, what="a checkpoint is of a log of another installation")
    return parsed.party


def _compare(
    connection: Connection, party: PartyId, head: LogHead | None, known: Sequence[Checkpoint]
) -> Compared:
    """Hold one log, which may not be here at all, against its checkpoints."""
    size = head.size if head else 0
    newest = known[-1] if known else None
    if newest is None:
        finding = Finding.UNKNOWN if size else Finding.HERE
    elif not _agrees(connection, party, [each for each in known if each.size <= size]):
        finding = Finding.OTHER
    else:
        finding = Finding.HERE if newest.size <= size else Finding.MISSING
    return Compared(party, size, newest, finding)


def _agrees(connection: Connection, party: PartyId, known: Sequence[Checkpoint]) -> bool:
    """Whether a log has, at the size of each checkpoint, its root: computed anew from the entries."""
    roots = {0: Frontier(0, b"").root()}
    sizes, frontier = {each.size for each in known}, Frontier(0, b"")
    for entry in log.entries(connection, party, 0, max(sizes, default=0)):
        frontier, _ = frontier.append(leaf_hash(entry.octets))
        if frontier.size in sizes:
            roots[frontier.size] = frontier.root()
    return all(roots.get(each.size) == each.root for each in known)


# --- going on knowingly --------------------------------------------------------------------------------


def accept(installation: Installation, decision: str) -> Continued:
    """Go on with a store that may not serve as it is, as another installation, and return which; nothing is made up.

    It lacks what is known outside, or it comes from a backup and of a log nothing is known. Each log is closed with a
    checkpoint over all that is here. Each party gets a new log, whose first entry names the root and size at which the
    old one ends here, and what is known of it outside, or that nothing is. All deliveries are set aside, since some may
    have been made after the backup; for the same reason all waits that would end in evidence of silence begin anew.
    `decision` says who decided and why; the entries commit to it. InputError ARGUMENT_INVALID if the store can serve,
    STORE_RESTORED if `compare` has not looked at it, STORE_UNFINISHED or STORE_MOVED if it is not here at all.
    """
    database, at = installation.database, installation.clock()
    new = replace(installation, id=Uuid4.new())
    with database.alone() as connection:
        database.require_unused(connection)
        mark = _mark(connection)
        if mark is None:
            raise InputError(Code.ARGUMENT_INVALID, what="the store is not behind: it can serve as it is")
        remembered = configuration.find_value(connection, _KNOWN)
        if (
            remembered is None
        ):  # nobody has looked yet; "nothing is known" is what a look may find, never a guess
            raise InputError(mark.code)
        heads = log.log_heads(connection)
    known = _known(installation, remembered.split(_BETWEEN) if remembered else ())
    endings = [_ending(installation, new, head, known.get(head.party, []), decision, at) for head in heads]
    with database.alone(unhurried=True) as connection:
        for ending in endings:
            ending.record(connection, at)
        configuration.give_to(connection, new.id)
        doubted = _doubt(new, connection, at, mark)
        _let_serve(connection)
    return Continued(new.id, tuple(head.origin for head in heads), doubted)


@dataclass(frozen=True)
class _Ending:
    """The end of one log and the beginning of the next, ready to be stored."""

    head: LogHead
    note: str  # its last checkpoint, over all that is here
    origin: LogOrigin  # of the next
    first: PreparedEntry  # of the next

    def record(self, connection: Connection, at: datetime) -> None:
        """Store it."""
        latest = log.latest_checkpoint(connection, self.head.party)
        if self.head.size and (latest is None or latest.size < self.head.size):
            log.add_checkpoint(connection, self.head.party, self.head.size, self.note, at)
        log.close_log(connection, self.head.party)
        log.open_log(connection, self.origin)
        log_entries.append(connection, self.first)


def _ending(
    installation: Installation,
    new: Installation,
    head: LogHead,
    known: Sequence[Checkpoint],
    decision: str,
    at: datetime,
) -> _Ending:
    here = Checkpoint(str(head.origin), head.size, head.frontier.root())
    outside = [part for each in known[-1:] for part in (each.root.hex(), str(each.size))]
    details = (CONTINUED, here.root.hex(), str(here.size), *(outside or [NOTHING_KNOWN]))
    first = log_entries.administration_entry(new, EntryKind.CONFIG, head.party, details, at, decision)
    return _Ending(head, sign_checkpoint(here, installation.checkpoint_key), new.origin(head.party), first)
