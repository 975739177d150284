"""What the schema says about each element of a document: its category of data, and what carries its disclosure.

The schema writes these as `<a:data category basis minimum certainty/>`; `gateway.xmlcore.annotations` reads them.
From them, and not from lists kept by hand, come the legal-basis gate and "fields sent" of the log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from functools import cached_property, lru_cache
from typing import NamedTuple


@unique
class Category(Enum):
    """The sort of data an element holds; the values are those of the schema's DataCategory."""

    # Each stands once; the hash of an Enum is computed in Python, and every element is looked up by it.
    __hash__ = object.__hash__

    TECHNICAL = "technical"
    STAFF = "staff"
    IDENTITY = "identity"
    OFFICIAL_ID = "officialid"
    REACH = "reach"
    RELATION = "relation"
    EDUCATION = "education"
    HISTORY = "history"
    PLAN = "plan"
    TEST = "test"
    ORDER = "order"
    MEASURE = "measure"
    SUPPORT = "support"
    RISK = "risk"
    ABSENCE = "absence"
    SOCIAL = "social"
    HEALTH = "health"
    OWN_WORDS = "ownwords"
    FREE_TEXT = "freetext"


@unique
class Basis(Enum):
    """The name of a basis set: which claimed provisions let an element be shared. Contents: `BasisSet`."""

    __hash__ = object.__hash__  # as of Category

    ANY = "any"
    CPR = "cpr"
    ORDER = "order"
    NEED = "need"
    ESSENTIAL = "essential"
    MEASURE = "measure"
    CONTACT = "contact"
    ADMIT = "admit"
    RISK = "risk"
    EVENT = "event"
    MOVE = "move"
    FOLLOW = "follow"
    WITHDRAW = "withdraw"
    COOP = "coop"
    CONSENT = "consent"
    SPECIAL = "special"
    OWN = "own"


@unique
class Minimum(Enum):
    """Why an element is part of its kind."""

    __hash__ = object.__hash__  # as of Category

    STATUTORY = "S"  # a rule of law asks for it
    PRODUCT = "P"  # the product asks for it
    OPTIONAL = "-"


@unique
class Certainty(Enum):
    """How well a rule is known. Only SOURCE may be told to a party as law."""

    __hash__ = object.__hash__  # as of Category

    SOURCE = "S"  # read in a published source
    KNOWLEDGE = "K"  # general knowledge, not confirmed
    DEDUCTION = "D"  # our own reasoning


class Annotation(NamedTuple):
    """What the schema says about one element. A named tuple, since every element is looked up by it."""

    category: Category
    basis: Basis
    minimum: Minimum
    certainty: Certainty


@unique
class Condition(Enum):
    """What must hold besides the claim, before a provision carries an element."""

    NONE = "NONE"
    NECESSITY = "NECESSITY"  # the claim says in words why this is necessary
    SINCE_FIRST_ORDER = "SINCE_FIRST_ORDER"  # nothing that ended before the first education order
    CONSENT = "CONSENT"  # the claim names a consent, in force, whose scope holds the element's category
    EXPLICIT_HEALTH_CONSENT = "EXPLICIT_HEALTH_CONSENT"  # as CONSENT, scope health, and GDPR article 9(2)(a)
    PARTY_DECISION = "PARTY_DECISION"  # the party's data protection officer has decided so in writing


@dataclass(frozen=True)
class Carrier:
    """Provisions that carry a basis set under one condition; one of them is enough."""

    provisions: frozenset[str]
    condition: Condition = Condition.NONE


@dataclass(frozen=True)
class BasisSet:
    """What lets an element be shared: one carrier is enough."""

    basis: Basis
    danish: str
    english: str
    carriers: tuple[Carrier, ...] = ()
    carried_by_any: bool = False  # any provision validly claimed in the header carries it
    carried_by_wish: bool = False  # the young person's own recorded wish carries it, no provision is needed

    @property
    def provisions(self) -> frozenset[str]:
        """Every provision named, under whatever condition."""
        return frozenset().union(*(carrier.provisions for carrier in self.carriers))


_POSITION = re.compile(r"\[[0-9]+\]")


@lru_cache(maxsize=4096)  # the paths of the schema, with some positions
def schema_path(path: str) -> str:
    """The path without positions: what the schema knows of "/Document/Header/Purpose[2]"."""
    return _POSITION.sub("", path)


@dataclass(frozen=True)
class Annotations:
    """The annotation of every leaf of the document schema, and of single values that weigh more than their element.

    Paths run from the root in plain names, e.g. "/Document/Header/Subject/CprNumber".
    """

    by_path: Mapping[str, Annotation]
    by_value: Mapping[tuple[str, str], Annotation]

    def of(self, path: str, value: str | None = None) -> Annotation:
        """What the schema says of this leaf (positions are ignored), and of this very value where it is a code.

        KeyError on a path that is no leaf of the document schema.
        """
        path = schema_path(path)
        if path in self._with_values and value is not None:
            return self.by_value.get((path, value)) or self.by_path[path]
        return self.by_path[path]

    @cached_property
    def _with_values(self) -> frozenset[str]:
        """The leaves of which a value may weigh more than the rest."""
        return frozenset(path for path, _ in self.by_value)
