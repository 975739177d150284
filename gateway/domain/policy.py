"""The legal-basis gate: whether each element of a document may be shared on the provisions claimed, or why not.

Everything follows from what the schema says of each element (`Annotations`) and from the dated lists of provisions
and basis sets. What is not known is not allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum, unique
from functools import cached_property
from typing import Final, NamedTuple

from gateway.domain.annotation import (
    Annotation,
    Annotations,
    Basis,
    BasisSet,
    Carrier,
    Category,
    Certainty,
    Condition,
    Minimum,
    schema_path,
)
from gateway.domain.codes import CodeList, Provision
from gateway.domain.document import AttachmentEntry, Consent, Document, LegalBasis, day_of, is_true
from gateway.domain.kinds import DocumentKind
from gateway.domain.node import Node

# LAB §30 stk. 7 has one sentence for who has an order and one for who has none: a claim of the other carries nothing.
# BEKDG-44-2 is about those with an order only.
_OTHER_SENTENCE: Final[Mapping[DocumentKind, frozenset[str]]] = {
    DocumentKind.EDUCATION_ORDER_LETTER: frozenset({"LAB-30-7-2"}),
    DocumentKind.SUPPORT_NEED_LETTER: frozenset({"LAB-30-7-1", "BEKDG-44-2"}),
}


@unique
class Verdict(Enum):
    """Whether an element may be shared; otherwise what is missing."""

    __hash__ = object.__hash__  # as of Category

    ALLOWED = "ALLOWED"
    NO_BASIS = "NO_BASIS"  # no claimed provision carries its basis set
    NO_NECESSITY = "NO_NECESSITY"  # one would, if the claim said why this is essential
    NO_CONSENT = "NO_CONSENT"  # a consent is claimed, but it does not hold for this category
    BEFORE_ORDER = "BEFORE_ORDER"  # a measure from before the first education order
    TOO_OLD = "TOO_OLD"  # a claimed provision would, but it is about younger people


# One way to be carried is enough; of several reasons against, the one that is easiest to mend is told.
_TOLD_FIRST: Final = (
    Verdict.ALLOWED,
    Verdict.NO_NECESSITY,
    Verdict.BEFORE_ORDER,
    Verdict.NO_CONSENT,
    Verdict.TOO_OLD,
    Verdict.NO_BASIS,
)


@dataclass(frozen=True)
class Policy:
    """What decides: the schema's annotations, the basis sets, the provisions, and the sender's own decision."""

    annotations: Annotations
    basis_sets: Mapping[Basis, BasisSet]
    provisions: CodeList[Provision]
    cooperation_decided: bool = False  # the sender's DPO decided in writing that cooperation rules may carry


class Judgement(NamedTuple):
    """Whether an element may be shared. Of an element that the schema does not know there is no annotation."""

    annotation: Annotation | None
    verdict: Verdict
    withheld: bool = False  # the young person asked to leave out its category, and no rule of law demands it


_UNKNOWN: Final = Judgement(None, Verdict.NO_BASIS)
_BY_NAME: Final = {category.value: category for category in Category}


@dataclass(frozen=True)
class Disclosure:
    """What the log says of a document's content: paths of the schema and categories, no values."""

    fields_sent: tuple[str, ...]
    fields_withheld: tuple[str, ...]
    categories: tuple[str, ...]
    special: bool  # whether data of GDPR art. 9 are among them


@dataclass(frozen=True)
class Gate:
    """One document before the policy."""

    document: Document
    policy: Policy
    in_open_conversation: bool = False  # which gives a note more to rest on

    @cached_property
    def judgements(self) -> tuple[tuple[Node, Judgement], ...]:
        """Every element that says something, in document order, and every attachment's category, each judged."""
        known: dict[Annotation, Judgement] = {}  # of elements with the same annotation the same holds
        annotations, measure, found = self.policy.annotations, Basis.MEASURE, []
        for node in self.document.content():
            try:
                annotation = annotations.of(node.path, node.text)
            except KeyError:
                found.append((node, _UNKNOWN))
                continue
            judgement = known.get(annotation)
            if judgement is None:
                if annotation.basis is measure:  # the one set that looks at where the element stands
                    judgement = self._judge(annotation, self._block_of(node))
                else:
                    judgement = known[annotation] = self._judge(annotation, None)
            found.append((node, judgement))
        return (*found, *map(self._judge_attachment, self.document.attachments))

    def covers(self, category: Category) -> bool:
        """Whether a claimed consent, in force, has this category in its scope."""
        return any(self._consents_to(claim, category) for claim, _ in self._claims)

    def is_carried(self, basis: Basis, category: Category) -> bool:
        """Whether what is claimed carries a basis set for this category."""
        return self._verdict(basis, category, None) is Verdict.ALLOWED

    @property
    def is_stopped_by_age(self) -> bool:
        """Whether an element may not be shared because the young person is too old for the provision claimed."""
        return Verdict.TOO_OLD in [judgement.verdict for _, judgement in self.judgements]

    def lacks_consent(self, claim: LegalBasis) -> bool:
        """Whether the claim rests on a consent that is not there, or not in force when the document was made."""
        provision = self._provision(claim)
        return provision is not None and provision.is_consent and self._consent(claim) is None

    def is_in_force(self, claim: LegalBasis) -> bool:
        """Whether the provision claimed is known and in force on the day the document was made."""
        return self._provision(claim) is not None

    def disclosure(self) -> Disclosure:
        """What the log says of the content, whether or not it may be sent."""
        sent = dict.fromkeys([schema_path(node.path) for node in self.document.content()])
        held = {judgement.annotation for _, judgement in self.judgements}
        categories = {annotation.category for annotation in held if annotation is not None}
        wishes = self._wishes
        known = self.policy.annotations.by_path.items() if wishes else ()
        withheld = [
            path
            for path, annotation in known
            if annotation.category in wishes and path not in sent and self._is_of_this_kind(path)
        ]
        names = tuple(sorted(category.value for category in categories))
        return Disclosure(tuple(sent), tuple(withheld), names, Category.HEALTH in categories)

    # --- how it decides ------------------------------------------------------------------------------

    def _judge_attachment(self, entry: AttachmentEntry) -> tuple[Node, Judgement]:
        """An attachment may be sent where an element of its category may, in a document of this kind."""
        category = Category(entry.category)
        bases = {Basis.SPECIAL} if category is Category.HEALTH else self._bases_of(category)
        verdict = _told({self._verdict(basis, category, None) for basis in bases})
        annotation = Annotation(category, Basis.ANY, Minimum.OPTIONAL, Certainty.DEDUCTION)
        node = entry.node.find("Category") or entry.node
        return node, Judgement(annotation, verdict, category in self._wishes)

    def _judge(self, annotation: Annotation, block: Node | None) -> Judgement:
        """A judgement on the elements of this annotation, in this block if that matters."""
        withheld = annotation.category in self._wishes and annotation.minimum is not Minimum.STATUTORY
        return Judgement(annotation, self._verdict(annotation.basis, annotation.category, block), withheld)

    def _verdict(self, basis: Basis, category: Category, block: Node | None) -> Verdict:
        key = (category, basis, block.path if block else None)
        verdict = self._verdicts.get(key)
        if verdict is None:
            bases = self._effective(basis)
            verdict = self._verdicts[key] = _told({self._carried(each, category, block) for each in bases})
        return verdict

    def _carried(self, basis: Basis, category: Category, block: Node | None) -> Verdict:
        basis_set = self.policy.basis_sets[basis]
        if basis_set.carried_by_any and self._carrying_any:
            return Verdict.ALLOWED if any(map(self._is_young_enough, self._carrying_any)) else Verdict.TOO_OLD
        if basis_set.carried_by_wish and self.document.header.has("OwnWords/Form"):
            return Verdict.ALLOWED
        found = set()
        for carrier in basis_set.carriers:
            for claim, provision in self._claims:
                if provision.code in carrier.provisions:
                    young = self._is_young_enough(provision)
                    found.add(self._try(carrier, claim, category, block) if young else Verdict.TOO_OLD)
        return _told(found)

    def _is_young_enough(self, provision: Provision) -> bool:
        """Whether the provision is about people of this age. Nobody's age is too high."""
        if provision.under is None:
            return True
        return self.document.age is None or self.document.age < provision.under

    def _try(self, carrier: Carrier, claim: LegalBasis, category: Category, block: Node | None) -> Verdict:
        """Whether this claim meets the condition under which the carrier carries."""
        match carrier.condition:
            case Condition.NONE:
                met, otherwise = True, Verdict.NO_BASIS
            case Condition.NECESSITY:
                met, otherwise = bool((claim.necessity or "").strip()), Verdict.NO_NECESSITY
            case Condition.SINCE_FIRST_ORDER:
                met, otherwise = not self._ended_before_order(block), Verdict.BEFORE_ORDER
            case Condition.CONSENT:
                met, otherwise = self._consents_to(claim, category), Verdict.NO_CONSENT
            case Condition.EXPLICIT_HEALTH_CONSENT:
                explicit = claim.article_9 == "A"  # GDPR art. 9(2)(a)
                met, otherwise = explicit and self._consents_to(claim, Category.HEALTH), Verdict.NO_CONSENT
            case Condition.PARTY_DECISION:
                met, otherwise = self.policy.cooperation_decided, Verdict.NO_BASIS
        return Verdict.ALLOWED if met else otherwise

    def _effective(self, basis: Basis) -> tuple[Basis, ...]:
        """The basis sets of which one is enough.

        The law knows only imminent risk; an early warning rests on cooperation or consent. A note in an open
        conversation may also rest on what carries answers.
        """
        kind = self.document.kind
        if basis is Basis.RISK and kind is DocumentKind.DROPOUT_RISK_NOTICE:
            return (basis,) if is_true(self.document.body.find("Imminent")) else (Basis.COOP,)
        if basis is Basis.COOP and kind is DocumentKind.NOTE_NOTICE and self.in_open_conversation:
            return (basis, Basis.FOLLOW)
        return (basis,)

    @cached_property
    def _claims(self) -> tuple[tuple[LegalBasis, Provision], ...]:
        """The claims that count: in force, for this way and kind, and for documents about a person at all."""
        found = [(claim, self._provision(claim)) for claim in self.document.legal_bases]
        return tuple(
            (claim, provision)
            for claim, provision in found
            if provision is not None
            and provision.carries_documents
            and self.document.direction in provision.directions
            and provision.code not in _OTHER_SENTENCE.get(self.document.kind, frozenset())
        )

    @cached_property
    def _carrying_any(self) -> tuple[Provision, ...]:
        """What is claimed that lets a document be sent; the rule on CPR numbers alone does not."""
        only_numbers = self.policy.basis_sets[Basis.CPR].provisions
        return tuple(provision for _, provision in self._claims if provision.code not in only_numbers)

    @cached_property
    def _verdicts(self) -> dict[tuple[Category, Basis, str | None], Verdict]:
        """Verdicts already found: elements of the same category and basis set, in the same measure, have the same."""
        return {}

    @cached_property
    def _wishes(self) -> frozenset[Category]:
        wishes = self.document.subject_information.withheld_on_wish
        return frozenset(_BY_NAME[wish] for wish in wishes if wish in _BY_NAME)

    def _provision(self, claim: LegalBasis) -> Provision | None:
        return self.policy.provisions.find(claim.provision, on=self.document.created_on)

    def _consent(self, claim: LegalBasis) -> Consent | None:
        day = self.document.created_on
        for consent in self.document.consents:
            if consent.consent_id == claim.consent_id:
                in_force = consent.given_on <= day and (
                    consent.valid_until is None or day <= consent.valid_until
                )
                return consent if in_force else None
        return None

    def _consents_to(self, claim: LegalBasis, category: Category) -> bool:
        consent = self._consent(claim)
        return consent is not None and category.value in consent.scope

    def _ended_before_order(self, measure: Node | None) -> bool:
        """Whether the measure an element belongs to ended before the first order, or the only one named.

        Where none is named, nothing that ended is known to be of its time.
        """
        end = None if measure is None else measure.find("To")
        return end is not None and (self._first_order is None or day_of(end) < self._first_order)

    @cached_property
    def _first_order(self) -> date | None:
        order = self.document.body.find("Order/FirstOrderOn") or self.document.body.find("Order/IssuedOn")
        return None if order is None else day_of(order)

    def _block_of(self, node: Node) -> Node | None:
        """The block of the body that an element stands in."""
        steps = node.path.split("/", 4)  # "", "Document", the kind, the block, what it holds
        return self._blocks.get("/".join(steps[:4]))

    @cached_property
    def _blocks(self) -> Mapping[str, Node]:
        return {block.path: block for block in self.document.body.children}

    def _bases_of(self, category: Category) -> set[Basis]:
        """The basis sets of this category in a body of this kind, or else in the header."""
        for start in (f"/Document/{self.document.kind.value}/", "/Document/Header/"):
            found = {
                annotation.basis
                for path, annotation in self.policy.annotations.by_path.items()
                if path.startswith(start) and annotation.category is category
            }
            if found:
                return found
        return set()

    def _is_of_this_kind(self, path: str) -> bool:
        return path.startswith((f"/Document/{self.document.kind.value}/", "/Document/Header/"))


def _told(verdicts: set[Verdict]) -> Verdict:
    """One verdict of several ways to be carried: one way is enough; else what is easiest to mend."""
    for verdict in _TOLD_FIRST:
        if verdict in verdicts:
            return verdict
    return Verdict.NO_BASIS
