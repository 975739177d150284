"""Two full documents about a fictional person, ways to change one thing in them, and what the rules know beside."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from lxml import etree

from gateway.domain.codes import CodeList, DatedCode
from gateway.domain.document import Document
from gateway.domain.evaluation import evaluate
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.lint_words import WordLists
from gateway.domain.policy import Policy
from gateway.domain.rule_context import KnownDocument, RuleContext
from gateway.domain.rules import Finding
from gateway.protocol.documents import read_document
from gateway.xmlcore import code_lists
from gateway.xmlcore.annotations import document_annotations
from gateway.xmlcore.namespaces import DOCUMENT
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import document_schema

MUNICIPALITY: Final = PartyId.parse("11111111-0999")
SCHOOL: Final = PartyId.parse("22222222-999001")
LETTER_ID: Final = Uuid4("7d0f2f0a-4b1c-4e2d-9a3b-0c1d2e3f4a5b")
NOTICE_ID: Final = Uuid4("5c1d7e2f-8a9b-4c3d-8e4f-5a6b7c8d9e0f")
CONVERSATION_ID: Final = Uuid4("0b9a8c7d-6e5f-4a3b-8c2d-1e0f9a8b7c6d")
CONSENT_ID: Final = "3e4f5a6b-7c8d-4e9f-8a0b-1c2d3e4f5a6b"

_MUNICIPALITY_XML: Final = (
    "<Party><Cvr>11111111</Cvr><MunicipalityCode>0999</MunicipalityCode>"
    "<Name>Eksempelby Kommune</Name></Party>"
)
_SCHOOL_XML: Final = (
    "<Party><Cvr>22222222</Cvr><InstitutionNumber>999001</InstitutionNumber>"
    "<Name>Prøveby Erhvervsskole</Name></Party>"
)
_SUBJECT_XML: Final = """
    <Subject>
      <CprNumber>7403055092</CprNumber>
      <Name>Alma Prøvesen</Name>
      <BirthDate>2005-03-14</BirthDate>
      <ProtectedNameAndAddress>false</ProtectedNameAndAddress>
      <RegisteredMunicipality>0999</RegisteredMunicipality>
    </Subject>
    <GuardianInformation>NOT_APPLICABLE</GuardianInformation>"""
_END_XML: Final = """
    <SealedBy>GATEWAY</SealedBy>
    <Nonce>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</Nonce>
  </Header>"""

LETTER: Final = f"""<Document xmlns="{DOCUMENT}" schemaVersion="1.0">
  <Header>
    <DocumentId>{LETTER_ID}</DocumentId>
    <ConversationId>{CONVERSATION_ID}</ConversationId>
    <CreatedAt>2026-08-05T09:12:00Z</CreatedAt>
    <Sender>{_MUNICIPALITY_XML}
      <Author><Kind>PRIMARY</Kind><Role>ORDER_CASEWORKER</Role><Name>Mette Eksempel</Name></Author>
    </Sender>
    <Recipient>{_SCHOOL_XML}
      <Attention><Role>STUDY_COUNSELLOR</Role></Attention>
      <Attention><Role>CONTACT_TEACHER</Role><Unit>Træfagene</Unit></Attention>
    </Recipient>{_SUBJECT_XML}
    <Purpose>START_SUPPORT</Purpose>
    <Purpose>RETENTION</Purpose>
    <LegalBasis>
      <Provision>LAB-30-7-1</Provision><GdprArticle6>E</GdprArticle6>
      <Necessity>Alma får mentor to formiddage på skolen, og skolen skal kunne lægge timerne.</Necessity>
    </LegalBasis>
    <LegalBasis><Provision>BEKDG-44-2</Provision><GdprArticle6>E</GdprArticle6></LegalBasis>
    <LegalBasis><Provision>DBL-11-1</Provision><GdprArticle6>E</GdprArticle6></LegalBasis>
    <SubjectInformation>
      <Method>WRITTEN_TOGETHER</Method>
      <InformedOn>2026-08-04</InformedOn>
      <HadInfluence>true</HadInfluence>
      <WithheldOnWish>social</WithheldOnWish>
    </SubjectInformation>
    <OwnWords>
      <Text>Jeg vil gerne være tømrer. Jeg kan godt komme om morgenen, når jeg dagen før ved, hvad vi skal lave.</Text>
      <Form>DICTATED</Form>
      <GivenOn>2026-08-04</GivenOn>
    </OwnWords>
    <PlanReference>
      <Kind>MIN_PLAN</Kind><Id>plan-7</Id><Version>7</Version><Goal>Svendebrev som tømrer</Goal>
    </PlanReference>
    <CaseReference>
      <Owner>SENDER</Owner><System>ESDH</System><CaseNumber>2026-004711</CaseNumber><Kle>15.20.00</Kle>
    </CaseReference>{_END_XML}
  <EducationOrderLetter>
    <Order>
      <IssuedOn>2026-06-22</IssuedOn>
      <FirstOrderOn>2025-11-03</FirstOrderOn>
      <WishReason>Har været i praktik på et tømrerværksted og vil tilbage til faget.</WishReason>
    </Order>
    <Education>
      <Level>EUD</Level><Code system="UDD">1234</Code><Name>Træfagenes byggeuddannelse</Name>
      <StartDate>2026-08-10</StartDate><PlannedEnd>2027-01-29</PlannedEnd>
    </Education>
    <Assessment>
      <SupportNeeded>true</SupportNeeded>
      <ParticularDifficulty>true</ParticularDifficulty>
      <SupportNeed><Area>STRUCTURE</Area><Text>Skriv dagens program aftenen før.</Text></SupportNeed>
      <SupportNeed><Area>QUIET_SPACE</Area><Text>Må gå en tur, når der er meget larm.</Text></SupportNeed>
    </Assessment>
    <Mentor>
      <Status>GRANTED</Status><Kind>MUNICIPAL</Kind><Goal>Stabilt fremmøde</Goal>
      <From>2026-08-10</From><To>2026-12-31</To><HoursPerWeek>3</HoursPerWeek>
    </Mentor>
    <ItBackpack>
      <Status>GRANTED</Status><GrantedBy>MUNICIPALITY</GrantedBy><GrantedOn>2026-01-15</GrantedOn>
      <SchoolMust>Lad hende bruge egen computer ved prøver.</SchoolMust>
    </ItBackpack>
    <EarlierStarts><Count>2</Count></EarlierStarts>
    <Measure>
      <Code>INTERNSHIP</Code><Status>ENDED</Status><From>2026-02-04</From><To>2026-04-15</To>
    </Measure>
    <Measure><Code>MENTOR</Code><Status>ONGOING</Status><From>2026-03-01</From></Measure>
    <MunicipalHelp><Code>CONVERSATIONS</Code><How>På skolen inden for to dage.</How></MunicipalHelp>
    <Contact>
      <Kind>PRIMARY</Kind><Role>ORDER_CASEWORKER</Role><Name>Mette Eksempel</Name><Phone>+4500000001</Phone>
      <Email>mette.eksempel@eksempelby.example</Email>
    </Contact>
    <RiskContact>
      <Primary><Kind>RISK</Kind><Role>ORDER_CASEWORKER</Role><Phone>+4500000001</Phone></Primary>
      <Deputy><Kind>DEPUTY</Kind><Role>YOUTH_COUNSELLOR</Role><Phone>+4500000005</Phone></Deputy>
      <AnswerWithinWorkingDays>2</AnswerWithinWorkingDays>
    </RiskContact>
    <MessageTo><Role>CONTACT_TEACHER</Role><Text>Giv hende gerne en fast makker på værkstedet.</Text></MessageTo>
  </EducationOrderLetter>
</Document>
"""

NOTICE: Final = f"""<Document xmlns="{DOCUMENT}" schemaVersion="1.0">
  <Header>
    <DocumentId>{NOTICE_ID}</DocumentId>
    <ConversationId>{CONVERSATION_ID}</ConversationId>
    <ReplyDue>2026-10-08</ReplyDue>
    <CreatedAt>2026-10-06T09:00:00Z</CreatedAt>
    <Sender>{_SCHOOL_XML}</Sender>
    <Recipient>{_MUNICIPALITY_XML}
      <Attention><Role>ORDER_CASEWORKER</Role></Attention>
      <Attention><Role>MAIN_MAILBOX</Role></Attention>
    </Recipient>{_SUBJECT_XML}
    <Purpose>RETENTION</Purpose>
    <LegalBasis><Provision>LAB-30-8-2</Provision><GdprArticle6>E</GdprArticle6></LegalBasis>
    <LegalBasis><Provision>LUNG-12C-2</Provision><GdprArticle6>E</GdprArticle6></LegalBasis>
    <LegalBasis><Provision>DBL-11-1</Provision><GdprArticle6>E</GdprArticle6></LegalBasis>
    <SubjectInformation>
      <Method>AT_SCHOOL</Method><InformedOn>2026-10-06</InformedOn><HadInfluence>true</HadInfluence>
    </SubjectInformation>
    <OwnWords>
      <Text>Jeg vil ikke stoppe. Det er morgenerne, det går galt, efter bussen blev lavet om.</Text>
      <Form>DICTATED</Form><GivenOn>2026-10-06</GivenOn>
    </OwnWords>{_END_XML}
  <DropoutRiskNotice>
    <EventDate>2026-10-06</EventDate>
    <Education><Level>EUD</Level><Name>Træfagenes byggeuddannelse</Name><StartDate>2026-08-10</StartDate></Education>
    <Phase>NEW</Phase>
    <Urgency>TWO_DAYS</Urgency>
    <Imminent>true</Imminent>
    <RiskSign><Code>ABSENCE</Code><Since>2026-09-14</Since><Note>Møder efter klokken ti.</Note></RiskSign>
    <RiskSign><Code>TRANSPORT</Code><Note>Busplanen er ændret.</Note></RiskSign>
    <AbsencePercent>41</AbsencePercent>
    <SchoolAction><Code>TALKED</Code><On>2026-09-22</On></SchoolAction>
    <ActionWanted><Code>CONTACT_SUBJECT</Code><By>2026-10-08</By><Text>Helst på skolen.</Text></ActionWanted>
    <ActionWanted><Code>MENTOR</Code><Text>Forlæng eller flyt mentortimerne.</Text></ActionWanted>
    <BestWayToReach>AT_SCHOOL</BestWayToReach>
    <Contact>
      <Kind>PRIMARY</Kind><Role>STUDY_COUNSELLOR</Role><Name>Sofie Eksempelsen</Name><Phone>+4500000004</Phone>
    </Contact>
  </DropoutRiskNotice>
</Document>
"""

Change = Callable[[etree._Element], None]


def text(path: str, value: str) -> Change:
    """Give the first element at this path another text."""
    return lambda root: setattr(_at(root, path), "text", value)


def drop(path: str) -> Change:
    """Take the first element at this path away."""

    def change(root: etree._Element) -> None:
        node = _at(root, path)
        parent = node.getparent()
        assert parent is not None
        parent.remove(node)

    return change


def after(path: str, xml: str) -> Change:
    """Put elements behind the first element at this path."""

    def change(root: etree._Element) -> None:
        place = _at(root, path)
        for new in reversed(_elements(xml)):
            place.addnext(new)

    return change


def inside(path: str, xml: str) -> Change:
    """Put elements at the end of the first element at this path."""
    return lambda root: _at(root, path).extend(_elements(xml))


def consent(*scope: str, given: str = "2026-08-01", until: str | None = None, article_9: str = "") -> Change:
    """Claim a consent of the young person for these categories."""
    scopes = "".join(f"<Scope>{category}</Scope>" for category in scope)
    valid = f"<ValidUntil>{until}</ValidUntil>" if until else ""
    letter = f"<GdprArticle9>{article_9}</GdprArticle9>" if article_9 else ""
    return after(
        "Header/LegalBasis[last()]",
        f"<LegalBasis><Provision>CONSENT-GDPR</Provision><GdprArticle6>A</GdprArticle6>{letter}"
        f"<ConsentId>{CONSENT_ID}</ConsentId></LegalBasis>"
        f"<Consent><ConsentId>{CONSENT_ID}</ConsentId><GivenOn>{given}</GivenOn><GivenBy>SUBJECT</GivenBy>"
        f"<Form>WRITTEN</Form>{scopes}{valid}</Consent>",
    )


def claim(*provisions: str) -> Change:
    """Claim these provisions and no others."""

    def change(root: etree._Element) -> None:
        claims = _find(root, "Header/LegalBasis")
        new = "".join(
            f"<LegalBasis><Provision>{code}</Provision><GdprArticle6>E</GdprArticle6></LegalBasis>"
            for code in provisions
        )
        after("Header/LegalBasis[last()]", new)(root)
        for old in claims:
            root[0].remove(old)

    return change


def document(xml: str, *changes: Change, valid: bool = True) -> Document:
    """The document with these changes, read as the gateway reads one that its schema found valid."""
    root = parse(xml.encode())
    for change in changes:
        change(root)
    root = parse(etree.tostring(root, encoding="utf-8"))
    if valid:
        document_schema().require(root)
    return read_document(root)


@cache
def words() -> WordLists:
    """The word lists of the product."""
    path = Path(__file__).parents[2] / "xsd" / "codes" / "lint_words.toml"
    return WordLists.from_mapping(tomllib.loads(path.read_text("utf-8")))


def policy(*, cooperation_decided: bool = False) -> Policy:
    """The policy of the product."""
    return Policy(
        document_annotations(), code_lists.basis_sets(), code_lists.provisions(), cooperation_decided
    )


def context(of: Document, **changes: object) -> RuleContext:
    """What the rules know when this document has just come in."""
    known = RuleContext(
        now=of.created_at + timedelta(minutes=1),
        certificate_cvr=of.sender.id.cvr,
        policy=policy(),
        categories=code_lists.data_categories(),
        words=words(),
        municipalities=_codes("municipalities", "0999"),
        institutions=_codes("institutions", "999001"),
        education_codes=code_lists.education_code_systems(),
        replacement_numbers_allowed=True,
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def findings(xml: str, *changes: Change, valid: bool = True, **known: object) -> tuple[Finding, ...]:
    """Every finding on the document with these changes."""
    read = document(xml, *changes, valid=valid)
    return evaluate(read, context(read, **known))


def struck(found: Sequence[Finding]) -> set[str]:
    """Rules and severities, "H06 W"; the warning on the fictional number, which every document has, is left out."""
    return {f"{finding.rule.name} {finding.severity.value}" for finding in found} - {"H06 W"}


def known_document(**changes: object) -> KnownDocument:
    """A letter that was sent in the same conversation before."""
    letter = KnownDocument(
        Uuid4.new(), CONVERSATION_ID, MUNICIPALITY, SCHOOL, DocumentKind.EDUCATION_ORDER_LETTER
    )
    return replace(letter, **changes)  # type: ignore[arg-type]


def _codes(name: str, *codes: str) -> CodeList[DatedCode]:
    return CodeList(name, tuple(DatedCode(code, code, code, date(2022, 1, 1)) for code in codes))


def _find(root: etree._Element, path: str) -> list[etree._Element]:
    steps = "/".join(f"d:{step}" for step in path.split("/"))
    found = root.xpath(steps, namespaces={"d": DOCUMENT})
    assert isinstance(found, list)
    return [node for node in found if isinstance(node, etree._Element)]


def _at(root: etree._Element, path: str) -> etree._Element:
    return _find(root, path)[0]


def _elements(xml: str) -> list[etree._Element]:
    return list(parse(f'<X xmlns="{DOCUMENT}">{xml}</X>'.encode()))
