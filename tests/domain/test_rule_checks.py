"""Every business rule: it fires on one change to a document that breaks none, and nothing else fires with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from lxml import etree

from gateway.domain.codes import CodeList, DatedCode
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.rule_context import AttachmentFacts
from gateway.xmlcore.namespaces import DOCUMENT
from tests.domain.documents import (
    LETTER,
    LETTER_ID,
    MUNICIPALITY,
    NOTICE,
    SCHOOL,
    Change,
    after,
    claim,
    consent,
    document,
    drop,
    findings,
    inside,
    known_document,
    policy,
    struck,
    text,
)

EMPTY: CodeList[DatedCode] = CodeList("empty", ())
OTHER_CONVERSATION = Uuid4.new()
CREATED = datetime(2026, 8, 5, 9, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Try:
    """A base, its changes, what the rules know beside it, and what strikes."""

    strikes: set[str]
    base: str
    changes: tuple[Change, ...] = ()
    known: dict[str, object] = field(default_factory=dict)
    valid: bool = True


def born(day: str) -> Change:
    return text("Header/Subject/BirthDate", day)


def reply_to(path: str = "Header/ConversationId") -> Change:
    return after(path, f"<ReplyTo>{LETTER_ID}</ReplyTo>")


def corrects(name: str = "Corrects") -> Change:
    return after(
        "Header/ConversationId",
        f"<{name}><DocumentId>{LETTER_ID}</DocumentId><Reason>Forkert startdato</Reason></{name}>",
    )


def earlier(**changes: object) -> dict[str, object]:
    return {"history": (known_document(document_id=LETTER_ID, **changes),)}


def body(name: str, xml: str = "<EventDate>2026-10-06</EventDate>") -> Change:
    """Turn the body into one of a kind whose schema is not released."""

    def change(root: etree._Element) -> None:
        root[1].tag = f"{{{DOCUMENT}}}{name}"
        for child in list(root[1]):
            root[1].remove(child)
        inside(name, xml)(root)

    return change


PDF = AttachmentFacts(1, 3, b"\x01" * 32, "application/pdf")
MANIFEST = (
    "<Attachments><Attachment><Number>1</Number><FileName>plan.pdf</FileName><MediaType>application/pdf</MediaType>"
    "<Size>3</Size><Sha256>AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=</Sha256><Title>Plan</Title>"
    "<Category>{category}</Category></Attachment></Attachments>"
)


def attached(category: str = "support") -> Change:
    return after("EducationOrderLetter", MANIFEST.format(category=category))


HEADER = {
    "created five minutes ahead": Try(set(), LETTER, known={"now": CREATED - timedelta(minutes=5)}),
    "created further ahead": Try({"H01 E"}, LETTER, known={"now": CREATED - timedelta(minutes=5, seconds=1)}),
    "created 30 days ago": Try(set(), LETTER, known={"now": CREATED + timedelta(days=30)}),
    "created longer ago": Try({"H01 E"}, LETTER, known={"now": CREATED + timedelta(days=30, seconds=1)}),
    "certificate of another": Try({"H03 E"}, LETTER, known={"certificate_cvr": Cvr("22222222")}),
    "municipality not in force": Try({"H04 E"}, LETTER, known={"municipalities": EMPTY}),
    "institution not in force": Try({"H04 E"}, LETTER, known={"institutions": EMPTY}),
    "registered municipality unknown": Try({"H04 E"}, LETTER, (text("Header/Subject/RegisteredMunicipality", "0998"),)),
    "KLE not in the list": Try({"H04 E"}, LETTER, known={"kle": EMPTY}),
    "KLE in the list": Try(
        set(), LETTER, known={"kle": CodeList("kle", (DatedCode("15.20.00", "x", "x", date(2020, 1, 1)),))}
    ),
    "no such month": Try({"H05 E"}, LETTER, (text("Header/Subject/CprNumber", "7413055092"),)),
    "no such day": Try({"H05 E"}, LETTER, (text("Header/Subject/CprNumber", "9203055092"),)),
    "replacement number where none is allowed": Try({"H06 E"}, LETTER, known={"replacement_numbers_allowed": False}),
    "replacement number without birth date": Try({"H06 E"}, LETTER, (drop("Header/Subject/BirthDate"),)),
    "replacement number with letters": Try(set(), LETTER, (text("Header/Subject/CprNumber", "740305ABC1"),)),
    "letters without birth date": Try(
        {"H06 E"}, LETTER, (text("Header/Subject/CprNumber", "740305ABC1"), drop("Header/Subject/BirthDate"))
    ),
    "younger than 15": Try({"H08 E"}, LETTER, (born("2011-08-06"),)),
    "15 on the day": Try(set(), LETTER, (born("2011-08-05"),)),
    "29": Try(set(), LETTER, (born("1996-08-06"),)),
    "30 on the day": Try({"H08 E"}, LETTER, (born("1996-08-05"),)),
    "25 with an act for all ages": Try(set(), NOTICE, (born("2001-10-06"),)),
    "24 with the youth act alone": Try(set(), NOTICE, (born("2001-10-07"), claim("LUNG-12C-2", "DBL-11-1"))),
    "25 with the youth act alone": Try({"H08 E"}, NOTICE, (born("2001-10-06"), claim("LUNG-12C-2", "DBL-11-1"))),
    "provision unknown": Try(
        {"H09 E"}, LETTER, (after("Header/LegalBasis[last()]", "<LegalBasis><Provision>LAB-99</Provision>"
                                  "<GdprArticle6>E</GdprArticle6></LegalBasis>"),)
    ),
    "provision not yet in force": Try(
        {"H09 E", "H10 E", "H01 E", "H04 E"},
        LETTER,
        (text("Header/CreatedAt", "2021-12-31T22:59:59Z"),),
        {"now": CREATED},
    ),
    "not informed, no reason": Try(
        {"H13 E"}, LETTER, (text("Header/SubjectInformation/Method", "NOT_INFORMED"),)
    ),
    "not informed, with reason": Try(
        {"H13 W"},
        LETTER,
        (
            text("Header/SubjectInformation/Method", "NOT_INFORMED"),
            text("Header/SubjectInformation/HadInfluence", "false"),
            inside("Header/SubjectInformation", "<Reason>Kunne ikke træffes.</Reason>"),
        ),
    ),
    "informed, day unknown": Try({"H13 W"}, LETTER, (drop("Header/SubjectInformation/InformedOn"),)),
    "no influence": Try({"H13 W"}, LETTER, (text("Header/SubjectInformation/HadInfluence", "false"),)),
    "reply to nothing known": Try({"H15 E"}, NOTICE, (reply_to(),)),
    "reply to the letter": Try(set(), NOTICE, (reply_to(),), earlier()),
    "reply in another conversation": Try(
        {"H15 E"}, NOTICE, (reply_to(),), earlier(conversation_id=OTHER_CONVERSATION)
    ),
    "reply to other parties": Try(
        {"H15 E"}, NOTICE, (reply_to(),), earlier(sender=PartyId.parse("11111111-0998"))
    ),
    "corrects nothing known": Try({"H15 E"}, LETTER, (corrects(),)),
    "corrects its own letter": Try(set(), LETTER, (corrects(),), earlier()),
    "corrects another kind": Try({"H15 E"}, LETTER, (corrects(),), earlier(kind=DocumentKind.NOTE_NOTICE)),
    "corrects what the other side wrote": Try(
        {"H15 E"}, LETTER, (corrects(),), earlier(sender=SCHOOL, recipient=MUNICIPALITY)
    ),
    "corrects in another conversation": Try(
        {"H15 E"}, LETTER, (corrects(),), earlier(conversation_id=OTHER_CONVERSATION)
    ),
    "withdraws another kind of its own": Try(
        set(), LETTER, (corrects("Withdraws"),), earlier(kind=DocumentKind.NOTE_NOTICE)
    ),
    "withdraws what the other side wrote": Try(
        {"H15 E"}, LETTER, (corrects("Withdraws"),), earlier(sender=SCHOOL, recipient=MUNICIPALITY)
    ),
    "no subject": Try({"H16 E"}, LETTER, (drop("Header/Subject"),)),
    "no subject for a shared contact": Try(
        set(),
        LETTER,
        (drop("Header/Subject"), drop("Header/GuardianInformation"), drop("Header/OwnWords"),
         drop("Header/PlanReference"), body("ContactChangeNotice", "<Scope/>"), text("ContactChangeNotice/Scope", "")),
        valid=False,
    ),
    "a subject for a shared contact": Try(
        {"H16 E"}, LETTER, (body("ContactChangeNotice", "<Scope>ROLE</Scope>"),), valid=False
    ),
    "a subject for the contact of one": Try(
        set(), LETTER, (body("ContactChangeNotice", "<Scope>SUBJECT</Scope>"),), valid=False
    ),
    "17, guardian not told of": Try(
        {"H17 E"}, NOTICE, (born("2008-10-07"), drop("Header/GuardianInformation"))
    ),
    "17, guardian said not to apply": Try({"H17 E"}, NOTICE, (born("2008-10-07"),)),
    "17, guardian informed": Try(
        set(), NOTICE, (born("2008-10-07"), text("Header/GuardianInformation", "INFORMED"))
    ),
    "guardian not informed, no cause": Try(
        {"H17 E"}, NOTICE, (born("2008-10-07"), text("Header/GuardianInformation", "NOT_INFORMED_FOR_CAUSE"))
    ),
    "18, guardian not told of": Try(set(), NOTICE, (born("2008-10-06"), drop("Header/GuardianInformation"))),
    "17, in a letter": Try(set(), LETTER, (born("2008-10-07"), drop("Header/GuardianInformation"))),
    "protected, whereabouts": Try(
        {"H18 E"},
        LETTER,
        (
            text("Header/Subject/ProtectedNameAndAddress", "true"),
            after("EducationOrderLetter/Education/Name", "<Site>Hus B</Site>"),
        ),
    ),
    "protected, phone": Try(
        {"H18 E"},
        LETTER,
        (
            text("Header/Subject/ProtectedNameAndAddress", "1"),
            inside("Header/Subject", "<Phone>+4500000003</Phone>"),
            consent("reach"),
        ),
    ),
    "protected, nothing of it": Try(set(), LETTER, (text("Header/Subject/ProtectedNameAndAddress", "true"),)),
    "whereabouts of who is not protected": Try(
        set(), LETTER, (after("EducationOrderLetter/Education/Name", "<Site>Hus B</Site>"),)
    ),
    "attachment as listed": Try(set(), LETTER, (attached(),), {"attachments": (PDF,)}),
    "attachment missing": Try({"H19 E"}, LETTER, (attached(),)),
    "attachment not listed": Try({"H19 E"}, LETTER, known={"attachments": (PDF,)}),
    "attachment twice": Try({"H19 E"}, LETTER, (attached(),), {"attachments": (PDF, PDF)}),
    "attachment of another size": Try(
        {"H19 E"}, LETTER, (attached(),), {"attachments": (AttachmentFacts(1, 4, b"\x01" * 32, "application/pdf"),)}
    ),
    "attachment of another type": Try(
        {"H19 E"}, LETTER, (attached(),), {"attachments": (AttachmentFacts(1, 3, b"\x01" * 32, "image/png"),)}
    ),
    "attachment of other content": Try(
        {"H19 E"}, LETTER, (attached(),), {"attachments": (AttachmentFacts(1, 3, b"\x02" * 32, "application/pdf"),)}
    ),
    "attachment listed twice": Try(
        {"H19 E"},
        LETTER,
        (attached(), inside("Attachments", MANIFEST.format(category="support")[13:-14])),
        {"attachments": (PDF,)},
    ),
    "attachment on health": Try({"H19 E"}, LETTER, (attached("health"),), {"attachments": (PDF,)}),
    "attachment on health with consent": Try(
        set(), LETTER, (attached("health"), consent("health", article_9="A")), {"attachments": (PDF,)}
    ),
}  # fmt: skip

ORDER = "EducationOrderLetter"
RISK = "DropoutRiskNotice"
BODY = {
    "education ends before it starts": Try(
        {"D01 E"}, LETTER, (text(f"{ORDER}/Education/PlannedEnd", "2026-08-09"),)
    ),
    "education ends as it starts": Try(set(), LETTER, (text(f"{ORDER}/Education/PlannedEnd", "2026-08-10"),)),
    "measure ends before it starts": Try({"D01 E"}, LETTER, (text(f"{ORDER}/Measure/To", "2026-02-03"),)),
    "first order after the order": Try(
        {"D01 E", "L06 E"}, LETTER, (text(f"{ORDER}/Order/FirstOrderOn", "2026-06-23"),)
    ),
    "other help, not explained": Try(
        {"D10 E"}, LETTER, (text(f"{ORDER}/MunicipalHelp/Code", "OTHER"), drop(f"{ORDER}/MunicipalHelp/How"))
    ),
    "other help, explained": Try(set(), LETTER, (text(f"{ORDER}/MunicipalHelp/Code", "OTHER"),)),
    "other role, not explained": Try({"D10 E"}, LETTER, (text("Header/Recipient/Attention/Role", "OTHER"),)),
    "other role, explained by its unit": Try(
        set(), LETTER, (text("Header/Recipient/Attention[2]/Role", "OTHER"),)
    ),
    "other, explained by other": Try(
        {"D10 E"},
        LETTER,
        (text(f"{ORDER}/MunicipalHelp/Code", "OTHER"), text(f"{ORDER}/MunicipalHelp/How", "OTHER")),
    ),
    "nothing told of help": Try(
        {"L01 W"},
        LETTER,
        tuple(drop(f"{ORDER}/{name}") for name in ("Mentor", "ItBackpack", "EarlierStarts", "MunicipalHelp")),
    ),
    "contact without phone and e-mail": Try(
        {"L02 E"}, LETTER, (drop(f"{ORDER}/Contact/Phone"), drop(f"{ORDER}/Contact/Email"))
    ),
    "contact with e-mail only": Try(set(), LETTER, (drop(f"{ORDER}/Contact/Phone"),)),
    "deputy without phone": Try({"L02 E"}, LETTER, (drop(f"{ORDER}/RiskContact/Deputy/Phone"),)),
    "only to the office": Try(
        {"L03 W"},
        LETTER,
        (
            text("Header/Recipient/Attention[1]/Role", "ADMINISTRATION"),
            text("Header/Recipient/Attention[2]/Role", "MAIN_MAILBOX"),
        ),
    ),
    "to the office and a teacher": Try(
        set(), LETTER, (text("Header/Recipient/Attention[1]/Role", "ADMINISTRATION"),)
    ),
    "a notice to the office": Try(set(), NOTICE, (text("Header/Recipient/Attention/Role", "MAIN_MAILBOX"),)),
    "mentor granted from nobody knows when": Try({"L04 E"}, LETTER, (drop(f"{ORDER}/Mentor/From"),)),
    "mentor granted without end": Try({"L04 E"}, LETTER, (drop(f"{ORDER}/Mentor/To"),)),
    "mentor applied for": Try(
        set(),
        LETTER,
        (text(f"{ORDER}/Mentor/Status", "APPLIED"), drop(f"{ORDER}/Mentor/From"), drop(f"{ORDER}/Mentor/To")),
    ),
    "mentor for six months": Try(set(), LETTER, (text(f"{ORDER}/Mentor/To", "2027-02-10"),)),
    "mentor for six months and a day": Try({"L04 W"}, LETTER, (text(f"{ORDER}/Mentor/To", "2027-02-11"),)),
    "mentor for ever": Try({"L04 W"}, LETTER, (text(f"{ORDER}/Mentor/To", "9999-12-31"),)),
    "letter seven days late": Try(set(), LETTER, (text(f"{ORDER}/Education/StartDate", "2026-07-29"),)),
    "letter eight days late": Try({"N01 W"}, LETTER, (text(f"{ORDER}/Education/StartDate", "2026-07-28"),)),
    "notice eight days late": Try({"N01 W"}, NOTICE, (text(f"{RISK}/EventDate", "2026-09-28"),)),
    "imminent, and no action wanted": Try(
        {"N02 E"},
        NOTICE,
        (text(f"{RISK}/ActionWanted/Code", "FOR_INFORMATION"), drop(f"{RISK}/ActionWanted[2]")),
    ),
    "imminent, information and an action": Try(
        set(), NOTICE, (text(f"{RISK}/ActionWanted/Code", "FOR_INFORMATION"),)
    ),
    "early warning on nothing": Try({"N02 E", "H10 E"}, NOTICE, (text(f"{RISK}/Imminent", "false"),)),
    "early warning on a decision": Try(
        set(),
        NOTICE,
        (text(f"{RISK}/Imminent", "0"), claim("LUNG-12A", "DBL-11-1"), born("2005-03-14")),
        {"policy": policy(cooperation_decided=True)},
    ),
    "early warning, no decision made": Try(
        {"N02 E", "H10 E"}, NOTICE, (text(f"{RISK}/Imminent", "false"), claim("LUNG-12A", "DBL-11-1"))
    ),
    "early warning on consent": Try(
        set(), NOTICE, (text(f"{RISK}/Imminent", "false"), consent("risk", "education", "absence"))
    ),
    "continued without a beginning": Try({"N04 E"}, NOTICE, (text(f"{RISK}/Phase", "CONTINUED"),)),
    "ended without a beginning": Try({"N04 E"}, NOTICE, (text(f"{RISK}/Phase", "ENDED"),)),
    "continued": Try(
        set(),
        NOTICE,
        (text(f"{RISK}/Phase", "CONTINUED"),),
        earlier(sender=SCHOOL, recipient=MUNICIPALITY, kind=DocumentKind.DROPOUT_RISK_NOTICE, phase="NEW"),
    ),
    "continued from another conversation": Try(
        {"N04 E"},
        NOTICE,
        (text(f"{RISK}/Phase", "CONTINUED"),),
        earlier(
            sender=SCHOOL,
            recipient=MUNICIPALITY,
            kind=DocumentKind.DROPOUT_RISK_NOTICE,
            phase="NEW",
            conversation_id=OTHER_CONVERSATION,
        ),
    ),
    "interruption without a risk notice": Try(
        {"N03 W", "H10 E"}, NOTICE, (body("InterruptionNotice"),), valid=False
    ),
    "interruption after a risk notice": Try(
        {"H10 E"},
        NOTICE,
        (body("InterruptionNotice"),),
        earlier(sender=SCHOOL, recipient=MUNICIPALITY, kind=DocumentKind.DROPOUT_RISK_NOTICE),
        valid=False,
    ),
}


@pytest.mark.parametrize("name", [*HEADER, *BODY])
def test_exactly_these_rules_strike(name: str) -> None:
    case = (HEADER | BODY)[name]
    assert struck(findings(case.base, *case.changes, valid=case.valid, **case.known)) == case.strikes


@pytest.mark.parametrize("base", [LETTER, NOTICE])
def test_a_full_document_breaks_no_rule(base: str) -> None:
    assert struck(findings(base)) == set()


def test_a_letter_does_not_go_from_institution_to_municipality() -> None:
    swap = (
        text("Header/Sender/Party/Cvr", "22222222"),
        after("Header/Sender/Party/Cvr", "<InstitutionNumber>999001</InstitutionNumber>"),
        drop("Header/Sender/Party/MunicipalityCode"),
    )
    (found,) = [each for each in findings(LETTER, *swap) if each.rule.name == "H02"]
    assert found.danish == "Brev om uddannelsespålæg kan ikke sendes i denne retning."
    assert found.path == "/Document/EducationOrderLetter"


def test_a_number_that_fails_modulus_11_is_only_warned_of() -> None:
    # Numbers of 1 January 2057: nobody has them.
    day = "0101575"
    fails = text("Header/Subject/CprNumber", day + "000")
    assert "H07 W" in struck(findings(LETTER, fails))
    # 0*4 + 1*3 + 0*2 + 1*7 + 5*6 + 7*5 + 5*4 + 0*3 + 2*2 + 0*1 = 99
    fits = text("Header/Subject/CprNumber", day + "020")
    assert "H07 W" not in struck(findings(LETTER, fits))
    assert "H06 E" not in struck(findings(LETTER, fits, drop("Header/Subject/BirthDate")))


def test_an_unknown_provision_is_not_quoted_and_a_known_one_is() -> None:
    made_up = after(
        "Header/LegalBasis[last()]",
        "<LegalBasis><Provision>7403055092</Provision><GdprArticle6>E</GdprArticle6></LegalBasis>",
    )
    (unknown,) = [each for each in findings(LETTER, made_up) if each.rule.name == "H09"]
    assert unknown.path == "/Document/Header/LegalBasis[4]/Provision"
    assert unknown.english == "Provision ? is not in force on this date."
    early = text("Header/CreatedAt", "2021-12-31T22:59:59Z")
    told = {each.danish for each in findings(LETTER, early) if each.rule.name == "H09"}
    assert "Hjemlen LAB-30-7-1 gælder ikke på denne dato." in told


def test_a_finding_names_its_place_as_the_document_was_received() -> None:
    (found,) = [
        each
        for each in findings(LETTER, text(f"{ORDER}/Measure/To", "2026-02-03"))
        if each.rule.name == "D01"
    ]
    assert found.path == "/Document/EducationOrderLetter/Measure[1]/To"
    assert found.line > 1
    assert found.violation.code == "RULE_D01"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (text(f"{RISK}/Imminent", "false"), ("N02", f"/Document/{RISK}/Imminent")),
        (text(f"{RISK}/Phase", "ENDED"), ("N04", f"/Document/{RISK}/Phase")),
        (text("Header/Subject/CprNumber", "7413055092"), ("H05", "/Document/Header/Subject/CprNumber")),
        (born("2012-10-07"), ("H08", "/Document/Header/Subject/CprNumber")),
        (drop("Header/Subject"), ("H16", "/Document/Header")),
        (reply_to(), ("H15", "/Document/Header/ReplyTo")),
    ],
)
def test_a_finding_stands_where_it_can_be_mended(change: Change, place: tuple[str, str]) -> None:
    assert place in {(found.rule.name, found.path) for found in findings(NOTICE, change)}


def test_no_finding_quotes_what_it_found() -> None:
    secret = "Hemmeligt 7403055092"
    for found in findings(
        LETTER,
        text(f"{ORDER}/MunicipalHelp/How", secret),
        text("Header/CaseReference/CaseNumber", secret),
        claim("LUNG-12A"),
    ):
        for words in (found.danish, found.english, found.path, repr(found)):
            assert "Hemmeligt" not in words
            assert "7403055092" not in words


def test_a_risk_notice_continues_only_the_senders_own() -> None:
    foreign = known_document(kind=DocumentKind.DROPOUT_RISK_NOTICE, phase="NEW")  # by the municipality
    assert document(NOTICE).conversation_id == foreign.conversation_id
    assert "N04 E" in struck(findings(NOTICE, text(f"{RISK}/Phase", "ENDED"), history=(foreign,)))
