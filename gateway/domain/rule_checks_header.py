"""The rules on a document's header: time, parties, person, references, attachments (H01 to H09, H13, H15 to H19)."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from gateway.domain.codes import CodeList, DatedCode
from gateway.domain.document import Document, Subject
from gateway.domain.kinds import DocumentKind
from gateway.domain.rule_checks_references import check_references
from gateway.domain.rule_context import AttachmentFacts, Case, error, warning
from gateway.domain.rules import Finding, Rule, Words

_AHEAD: Final = timedelta(minutes=5)  # clock skew, as for message signatures
_OLD: Final = timedelta(days=30)
_RISK_OR_INTERRUPTION: Final = frozenset({DocumentKind.DROPOUT_RISK_NOTICE, DocumentKind.INTERRUPTION_NOTICE})
_WHEREABOUTS: Final = ("Education/Site", "CurrentEducation/Site", "Internship/Place")


def check_header(case: Case) -> Iterator[Finding]:
    """The findings on the header, in the order of the rules."""
    yield from _time_and_parties(case)
    yield from _codes(case)
    yield from _subject(case)
    yield from _provisions(case)
    yield from _information(case)
    yield from check_references(case)
    yield from _protection(case)
    yield from _attachments(case)


def _time_and_parties(case: Case) -> Iterator[Finding]:
    document, context = case.document, case.context
    age_of_document = context.now - document.created_at
    if age_of_document < -_AHEAD or age_of_document > _OLD:
        yield error(Rule.H01, case.in_header("CreatedAt"))
    if document.direction not in document.kind.row.directions:
        kind = Words(document.kind.row.danish, document.kind.row.english)
        yield error(Rule.H02, document.body, kind=kind)
    if document.sender.id.cvr != context.certificate_cvr:
        yield error(Rule.H03, case.in_header("Sender/Party/Cvr"))


def _codes(case: Case) -> Iterator[Finding]:
    places: tuple[tuple[str, CodeList[DatedCode] | None], ...] = (
        ("Sender/Party/MunicipalityCode", case.context.municipalities),
        ("Sender/Party/InstitutionNumber", case.context.institutions),
        ("Recipient/Party/MunicipalityCode", case.context.municipalities),
        ("Recipient/Party/InstitutionNumber", case.context.institutions),
        ("Subject/RegisteredMunicipality", case.context.municipalities),
        ("CaseReference/Kle", case.context.kle),
    )
    named = (
        ("OpenConversation/Counterpart/MunicipalityCode", case.context.municipalities),
        ("OpenConversation/Counterpart/InstitutionNumber", case.context.institutions),
    )
    found = [(node, codes) for steps, codes in places for node in case.document.header.find_all(steps)]
    found += [(node, codes) for steps, codes in named for node in case.document.body.find_all(steps)]
    for node, codes in found:
        if codes is not None and codes.find(node.text, on=case.document.created_on) is None:
            yield error(Rule.H04, node)
    for node in case.document.header.find_all("Extension/Name"):
        if node.text not in case.context.extensions:
            yield error(Rule.H04, node)


def _subject(case: Case) -> Iterator[Finding]:
    document = case.document
    node = document.header.find("Subject")
    about_a_role = _is_about_a_role(document)
    if (node is None) != about_a_role:
        yield error(Rule.H16, node or document.header)
    if document.subject is not None and not about_a_role:
        yield from _cpr(case, document.subject)
        yield from _age(case)


def _is_about_a_role(document: Document) -> bool:
    """Whether it tells of a contact whom all share, and so is about no young person."""
    return document.kind is DocumentKind.CONTACT_CHANGE_NOTICE and document.body.text_of("Scope") != "SUBJECT"


def _cpr(case: Case, subject: Subject) -> Iterator[Finding]:
    node = case.in_header("Subject/CprNumber")
    if not subject.cpr.holds_valid_date:
        yield error(Rule.H05, node)
    if subject.cpr.is_replacement:
        usable = case.context.replacement_numbers_allowed and subject.stated_birth_date is not None
        yield warning(Rule.H06, node) if usable else error(Rule.H06, node)
    elif not subject.cpr.fits_modulus_11:
        yield warning(Rule.H07, node)
    if not subject.cpr.is_replacement and subject.stated_birth_date not in (None, subject.cpr.birth_date):
        yield warning(Rule.H20, case.in_header("Subject/BirthDate"))


def _age(case: Case) -> Iterator[Finding]:
    document, years = case.document, case.document.age
    if years is None:
        return  # H05 or H06 has told
    claimed = [basis.provision for basis in document.legal_bases if not basis.provision.startswith("DBL-")]
    only_youth_act = all(provision.startswith("LUNG-") for provision in claimed)
    if not 15 <= years < 30 or (years >= 25 and only_youth_act) or case.gate.is_stopped_by_age:
        yield error(Rule.H08, case.in_header("Subject/CprNumber"))
    silent = document.guardian_information in (None, "NOT_APPLICABLE")  # that is said of who is 18 or over
    if years < 18 and document.kind in _RISK_OR_INTERRUPTION and silent:
        yield error(Rule.H17, case.in_header("Subject"))


def _provisions(case: Case) -> Iterator[Finding]:
    for basis in case.document.legal_bases:
        if not case.gate.is_in_force(basis):
            # A code that no list knows is not quoted: it could be anything.
            known = {provision.code for provision in case.context.policy.provisions.entries}
            code = Words.same(basis.provision if basis.provision in known else "?")
            yield error(Rule.H09, basis.node.find("Provision") or basis.node, code=code)


def _information(case: Case) -> Iterator[Finding]:
    if _is_about_a_role(case.document):
        return  # there is nobody to inform
    information, node = case.document.subject_information, case.in_header("SubjectInformation")
    if information.method == "NOT_INFORMED" and information.reason is None:
        yield error(Rule.H13, node)
    elif information.informed_on is None or not information.had_influence:
        yield warning(Rule.H13, node)
    if case.document.guardian_information == "NOT_INFORMED_FOR_CAUSE" and information.reason is None:
        yield error(Rule.H17, node)  # the code says that the cause is written there


def _protection(case: Case) -> Iterator[Finding]:
    document = case.document
    if document.subject is None or not document.subject.is_protected:
        return
    for steps in ("Subject/Phone", "Subject/Email"):
        for node in document.header.find_all(steps):
            yield error(Rule.H18, node)
    for steps in _WHEREABOUTS:
        for node in document.body.find_all(steps):
            yield error(Rule.H18, node)


def _attachments(case: Case) -> Iterator[Finding]:
    document, found = case.document, case.context.attachments
    listed = [entry.number for entry in document.attachments]
    for entry in document.attachments:
        matching = [facts for facts in found if facts.number == entry.number]
        facts = AttachmentFacts(entry.number, entry.size, entry.sha256, entry.media_type)
        if listed.count(entry.number) > 1 or len(matching) != 1 or not _equal(matching[0], facts):
            yield error(Rule.H19, entry.node, n=Words.same(str(entry.number)))
    for facts in found:
        if facts.number not in listed:
            yield error(Rule.H19, document.root, n=Words.same(str(facts.number)))


def _equal(found: AttachmentFacts, listed: AttachmentFacts) -> bool:
    same_digest = hmac.compare_digest(found.sha256, listed.sha256)
    return same_digest and (found.size, found.media_type) == (listed.size, listed.media_type)
