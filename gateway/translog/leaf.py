"""The octets of a log entry: written once in canonical JSON, and read only if they are in exactly that form.

One table gives each field its grammar, its writer and its reader. The grammars together make one regular expression
per kind of entry, which refuses unknown fields, missing fields and every spelling but the canonical one.
`docs/log-format.md` describes the fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Final

from gateway.domain import disclosure
from gateway.domain.catalogue import Code
from gateway.domain.disclosure import (
    Activity,
    Actor,
    Basis,
    Commitment,
    End,
    EntryKind,
    Leaf,
    LogOrigin,
    SchemaVersion,
    SubjectKind,
    Visibility,
)  # fmt: skip
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.translog.canonical import Json, canonical

FORMAT_VERSION: Final = 1
MOST_OCTETS: Final = 65_535  # an entry of a tlog-tiles entry bundle has a length of two octets
_TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"
_TIME: Final = (
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"  # RFC 3339 §5.6
)
_DAY: Final = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
# Names and texts of an entry are ASCII without escapes, and its numbers are small: so this is its canonical form,
# at a third of the cost of writing any JSON canonically.
_ENCODER: Final = json.JSONEncoder(check_circular=False, separators=(",", ":"), sort_keys=True)
_NUMBER: Final = "(?:0|[1-9][0-9]{0,8})"


@dataclass(frozen=True)
class _Field:
    """One field of an entry: what it may look like in octets, and how it is written and read."""

    name: str
    grammar: str
    write: Callable[[Any], Json]
    read: Callable[[Any], Any]


def _text(shape: str) -> str:
    return f'"(?>{shape})"'


def _list(item: str, most: int) -> str:
    return rf"\[{item}(?:,{item}){{0,{most - 1}}}+\]"


def _object(required: dict[str, str], optional: dict[str, str]) -> str:
    """The grammar of an object that has all of `required` and any of `optional`; at least one name is required."""
    anchor = min(required)
    return rf"\{{{_members({**required, **optional}, frozenset(required), anchor)}\}}"


def _members(grammars: dict[str, str], required: frozenset[str], anchor: str) -> str:
    """Members in the order of their names; the commas hang on those beside `anchor`, which is always there."""
    parts = []
    for name in sorted(grammars):
        member = f'"{name}":{grammars[name]}'
        if name != anchor:
            member = f"{member}," if name < anchor else f",{member}"
            member = member if name in required else f"(?:{member})?+"
        parts.append(member)
    return "".join(parts)


_CODES: Final = _list(_text(disclosure.CODE), disclosure.MOST_CODES)
_PATHS: Final = _list(_text(disclosure.PATH), disclosure.MOST_PATHS)
_COMMITMENT: Final = _text(disclosure.SHA256)
_ACTIVITY: Final = _object({"code": _text(disclosure.CODE), "version": _NUMBER}, {})
_ACTOR: Final = _object(
    {"role": _text(disclosure.CODE)}, {"person": _COMMITMENT, "system": _text(disclosure.SYSTEM)}
)
_BASIS: Final = _object(
    {"article_6": _text(disclosure.ARTICLE_6), "provision": _text(disclosure.PROVISION)},
    {"article_9": _text(disclosure.ARTICLE_9)},
)
_END: Final = _object(
    {"party": _text(disclosure.PARTY)}, {"roles": _CODES, "system": _text(disclosure.SYSTEM)}
)
_SCHEMA: Final = _object({"sha256": _COMMITMENT, "version": _text(disclosure.VERSION)}, {})


def _members_present(**members: Json) -> dict[str, Json]:
    """The members of an object that are there: an absent field is left out, never null and never an empty list."""
    return {name: value for name, value in members.items() if value is not None and value != []}


def _write_time(at: datetime) -> str:
    return f"{at:{_TIME_FORMAT}}.{at.microsecond // 1000:03d}Z"


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _write_actor(actor: Actor) -> Json:
    person = actor.person.hex if actor.person else None
    return _members_present(role=actor.role, person=person, system=actor.system)


def _read_actor(members: dict[str, str]) -> Actor:
    person = Commitment(members["person"]) if "person" in members else None
    return Actor(members["role"], person, members.get("system"))


def _write_end(end: End) -> Json:
    return _members_present(party=str(end.party), roles=list(end.roles), system=end.system)


def _read_end(members: dict[str, Any]) -> End:
    return End(PartyId.parse(members["party"]), tuple(members.get("roles", ())), members.get("system"))


def _write_bases(bases: tuple[Basis, ...]) -> Json:
    return [
        _members_present(provision=basis.provision, article_6=basis.article_6, article_9=basis.article_9)
        for basis in bases
    ]


def _read_bases(items: list[dict[str, str]]) -> tuple[Basis, ...]:
    return tuple(Basis(item["provision"], item["article_6"], item.get("article_9")) for item in items)


def _commitment(name: str) -> _Field:
    return _Field(name, _COMMITMENT, lambda commitment: commitment.hex, Commitment)


def _texts(name: str, grammar: str) -> _Field:
    return _Field(name, grammar, list, tuple)


def _plain(name: str, grammar: str) -> _Field:
    return _Field(name, grammar, lambda value: value, lambda value: value)


def _identifier(name: str) -> _Field:
    return _Field(name, _text(disclosure.UUID4), str, Uuid4)


def _enum(name: str, members: type[EntryKind] | type[SubjectKind] | type[Visibility]) -> _Field:
    grammar = _text("|".join(member.value for member in members))
    return _Field(name, grammar, lambda member: member.value, members)


_FIELDS: Final = (
    _Field(
        "activity",
        _ACTIVITY,
        lambda activity: {"code": activity.code, "version": activity.version},
        lambda members: Activity(members["code"], members["version"]),
    ),
    _Field("actor", _ACTOR, _write_actor, _read_actor),
    _Field("bases", _list(_BASIS, disclosure.MOST_CODES), _write_bases, _read_bases),
    _identifier("batch"),
    _texts("categories", _list(_text(disclosure.CATEGORY), disclosure.MOST_CODES)),
    _commitment("content"),
    _commitment("conversation"),
    _identifier("corrects"),
    _commitment("decision"),
    _texts("details", _list(_text(disclosure.DETAIL), disclosure.MOST_CODES)),
    _commitment("document"),
    _plain("document_kind", _text(disclosure.NAME)),
    _identifier("entry_id"),
    _Field(
        "erases",
        _list(_text(disclosure.UUID4), disclosure.MOST_ERASED),
        lambda ids: [str(entry_id) for entry_id in ids],
        lambda texts: tuple(map(Uuid4, texts)),
    ),
    _plain("event", _text(disclosure.NAME)),
    _commitment("evidence"),
    _texts("fields_sent", _PATHS),
    _texts("fields_withheld", _PATHS),
    _enum("kind", EntryKind),
    _Field("log", _text(disclosure.ORIGIN), str, LogOrigin.parse),
    _commitment("message"),
    _plain("outcome", _text(disclosure.CODE)),
    _texts("purposes", _CODES),
    _texts("reasons", _CODES),
    _Field("recipient", _END, _write_end, _read_end),
    _plain("retention", _text(disclosure.CODE)),
    _Field(
        "schema",
        _SCHEMA,
        lambda schema: {"sha256": schema.sha256, "version": schema.version},
        lambda members: SchemaVersion(members["version"], members["sha256"]),
    ),
    _Field("sender", _END, _write_end, _read_end),
    _plain("special", "(?:true|false)"),
    _commitment("subject"),
    _plain("subject_count", _NUMBER),
    _enum("subject_kind", SubjectKind),
    _Field("time", _text(_TIME), _write_time, _read_time),
    _enum("visibility", Visibility),
    _Field("visible_from", _text(_DAY), date.isoformat, date.fromisoformat),
)
_ALWAYS: Final = frozenset(
    {"entry_id", "kind", "log", "retention", "special", "subject_count", "time", "v", "visibility"}
)
_KIND: Final = b'"kind":"'  # no other member's name ends so
_KINDS: Final = {kind.value.encode(): kind for kind in EntryKind}


def compose(leaf: Leaf) -> bytes:
    """The octets of the entry: store them, hash them and hand them on as they are; never write them again.

    InputError LOG_ENTRY_MALFORMED if the entry is larger than 65,535 octets.
    """
    value: dict[str, Json] = {"v": FORMAT_VERSION}
    for field in _FIELDS:
        content = getattr(leaf, field.name)
        if content is not None and content != ():
            value[field.name] = field.write(content)
    octets = _ENCODER.encode(value).encode()
    if len(octets) > MOST_OCTETS:
        raise InputError(Code.LOG_ENTRY_MALFORMED, what=f"larger than {MOST_OCTETS} octets")
    return octets


def parse_leaf(octets: bytes) -> Leaf:
    """The entry that these octets are the one form of. InputError LOG_ENTRY_MALFORMED on anything else."""
    kind = kind_of(octets)
    if kind is None or len(octets) > MOST_OCTETS or not grammar(kind).fullmatch(octets):
        raise InputError(Code.LOG_ENTRY_MALFORMED, what=_explain(octets))
    members = json.loads(octets)
    try:
        return Leaf(
            **{field.name: field.read(members[field.name]) for field in _FIELDS if field.name in members}
        )
    except ValueError as error:
        raise InputError(Code.LOG_ENTRY_MALFORMED, what=str(error)) from None


def kind_of(octets: bytes) -> EntryKind | None:
    """The kind that the octets claim, found without reading the rest; None if there is none that we know."""
    at = octets.find(_KIND) + len(_KIND)
    return _KINDS.get(octets[at : octets.find(b'"', at)])


@cache
def grammar(kind: EntryKind, log: LogOrigin | None = None) -> re.Pattern[bytes]:
    """What the octets of every entry of this kind match in full, and nothing else does; of this log, if given.

    Group 1 is the entry id. Dates are checked in shape only; `parse_leaf` also checks that the day exists.
    """
    grammars = {field.name: field.grammar for field in _FIELDS}
    grammars["v"] = str(FORMAT_VERSION)
    grammars["kind"] = f'"{kind.value}"'
    grammars["entry_id"] = f'"({disclosure.UUID4})"'
    if log is not None:
        grammars["log"] = f'"{re.escape(str(log))}"'
    required = _ALWAYS.union(disclosure.REQUIRED[kind])
    return re.compile(rf"\{{{_members(grammars, required, anchor='entry_id')}\}}".encode())


def _explain(octets: bytes) -> str:
    """Why the octets match no grammar, for a person; quotes nothing from them."""
    if len(octets) > MOST_OCTETS:
        return f"larger than {MOST_OCTETS} octets"
    try:
        members = json.loads(octets)
    except (ValueError, RecursionError):
        return "not JSON"
    if not isinstance(members, dict) or members.get("v") != FORMAT_VERSION:
        return f"not an object of format version {FORMAT_VERSION}"
    grammars = {field.name: field.grammar for field in _FIELDS} | {"v": str(FORMAT_VERSION)}
    wrong = [
        name for name, pattern in grammars.items() if name in members and not _matches(pattern, members[name])
    ]
    kind = EntryKind(members["kind"]) if "kind" in members and "kind" not in wrong else None
    missing = _ALWAYS.union(disclosure.REQUIRED[kind] if kind else ()).difference(members)
    if not members.keys() <= grammars.keys():
        return "an unknown field"
    return f"the field {min([*wrong, *missing])}" if wrong or missing else "not in canonical form"


def _matches(pattern: str, value: Json) -> bool:
    try:
        return re.fullmatch(pattern.encode(), canonical(value)) is not None
    except ValueError:
        return False
