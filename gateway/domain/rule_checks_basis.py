"""The rules on legal bases and consent, as the gate judges each element (H10 to H12, H14, H19, L05, L06)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.domain.annotation import Category
from gateway.domain.node import Node
from gateway.domain.policy import Judgement, Verdict
from gateway.domain.rule_context import Case, error
from gateway.domain.rules import Finding, Rule, Words

_RULE_OF: Final = {
    Verdict.NO_BASIS: Rule.H10,
    Verdict.NO_CONSENT: Rule.H11,
    Verdict.NO_NECESSITY: Rule.H12,
    Verdict.BEFORE_ORDER: Rule.L06,
}
_THIS_DOCUMENT: Final = Words("dette dokument", "this document")


def check_basis(case: Case) -> Iterator[Finding]:
    """The findings on what may be shared: one for each block that fails as a whole, else one for each element."""
    yield from _consents(case)
    attached = {entry.node.path: entry.number for entry in case.document.attachments}
    for node, judgement in _gathered(case):
        parent = node.path.rpartition("/")[0]
        if judgement.verdict not in (Verdict.ALLOWED, Verdict.TOO_OLD):  # H08 tells of the age
            if parent in attached and _is_health(judgement):
                yield error(Rule.H19, node, n=Words.same(str(attached[parent])))
            elif node.name != "TargetGroup":
                yield _finding(case, node, judgement)
        if judgement.withheld:
            yield error(Rule.H14, node, category=_category(case, judgement))
    yield from _target_group(case)


def _finding(case: Case, node: Node, judgement: Judgement) -> Finding:
    match rule := _RULE_OF[judgement.verdict]:
        case Rule.H10:
            return error(rule, node, path=Words.same(node.schema_path))
        case Rule.H11:
            return error(rule, node, category=_category(case, judgement))
        case _:
            return error(rule, node)


def _consents(case: Case) -> Iterator[Finding]:
    """A consent that is claimed is there, and in force when the document was made."""
    for basis in case.document.legal_bases:
        if case.gate.lacks_consent(basis):
            yield error(Rule.H11, basis.node, category=_THIS_DOCUMENT)


def _target_group(case: Case) -> Iterator[Finding]:
    """The target group tells of private life, and one value of it of health: a rule of its own says so (L05)."""
    node = case.document.body.find("TargetGroup")
    if node is None:
        return
    needed = {Category.SOCIAL, Category.HEALTH} if node.text == "ACTIVITY_READY" else {Category.SOCIAL}
    judged = next(judgement for each, judgement in case.gate.judgements if each is node)
    if judged.verdict is not Verdict.ALLOWED or not all(map(case.gate.covers, needed)):
        yield error(Rule.L05, node)


def _gathered(case: Case) -> Iterator[tuple[Node, Judgement]]:
    """The judgements that fault something, those of a whole block that all say the same as one, at the block."""
    allowed = Verdict.ALLOWED  # looked up once: there are a hundred judgements
    by_path = {
        node.path: (node, each)
        for node, each in case.gate.judgements
        if each.verdict is not allowed or each.withheld
    }
    if not by_path:
        return
    for block in (*case.document.header.children, *case.document.body.children):
        found = [by_path.pop(leaf.path, None) for leaf in block.leaves() if leaf.text.strip()]
        inside = [each for each in found if each is not None]
        if len(inside) == len(found) and len({_kind_of_fault(each) for _, each in inside}) == 1:
            yield block, inside[0][1]
        else:
            yield from inside
    yield from by_path.values()


def _kind_of_fault(judgement: Judgement) -> tuple[object, ...]:
    return (judgement.annotation and judgement.annotation.category, judgement.verdict, judgement.withheld)


def _is_health(judgement: Judgement) -> bool:
    return judgement.annotation is not None and judgement.annotation.category is Category.HEALTH


def _category(case: Case, judgement: Judgement) -> Words:
    assert judgement.annotation is not None  # an element without one has no basis, which is told by its path
    words = case.context.categories[judgement.annotation.category]
    return Words(_in_a_sentence(words.danish), _in_a_sentence(words.english))


def _in_a_sentence(label: str) -> str:
    """A label as it stands within a sentence; "CPR-nummer" keeps its capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
