"""One sample of everything the two services exchange, with every optional field filled in; all of it is fictional."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from gateway.domain.deadlines import DeadlineKind
from gateway.domain.errors import Violation
from gateway.domain.evidence import EventReason, EvidenceEvent, ReasonCode
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.operations import (
    Answer,
    AnswerInfo,
    AttachmentContent,
    CertificateFacts,
    ConfirmHandoverRequest,
    Environment,
    EventsAnswer,
    EvidenceAnswer,
    FindPartyAnswer,
    FindPartyRequest,
    FoundParty,
    GetEvidenceRequest,
    GetStatusRequest,
    HandoverAnswer,
    InboxAnswer,
    InboxAttention,
    InboxItem,
    ListedEvent,
    ListEventsRequest,
    ListInboxRequest,
    PingAnswer,
    PingRequest,
    ReadAnswer,
    RegisterReadRequest,
    RetrieveAnswer,
    RetrieveRequest,
    SendAnswer,
    SignedEvidence,
    StatusAnswer,
    TimelineDeadline,
    TimelineEvent,
    WithdrawalAnswer,
    WithdrawDocumentRequest,
)
from gateway.domain.party import Contact, Role
from gateway.domain.status import AnswerCode, Flag, Standing, State

MUNICIPALITY: Final = PartyId(Cvr("11111111"), "0999")
INSTITUTION: Final = PartyId(Cvr("22222222"), "999001")
DOCUMENT_ID: Final = Uuid4("7d0f8a52-3c41-4b8e-9a55-0c6d1e2f4c1e")
CONVERSATION_ID: Final = Uuid4("1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed")
OTHER_ID: Final = Uuid4("9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d")
AT: Final = datetime(2026, 10, 6, 9, 12, 0, 250_000, UTC)
DIGEST: Final = bytes(range(32))
INFO: Final = AnswerInfo(OTHER_ID, DIGEST, AT, Environment.DEVELOPMENT)

_OURS: Final = (
    "<s:OnBehalfOf><s:Cvr>22222222</s:Cvr><s:InstitutionNumber>999001</s:InstitutionNumber></s:OnBehalfOf>"
)
_THEIRS: Final = "<s:Cvr>11111111</s:Cvr><s:MunicipalityCode>0999</s:MunicipalityCode>"
_ID: Final = f"<s:DocumentId>{DOCUMENT_ID}</s:DocumentId>"
_PAGE: Final = "<s:Cursor>c-1_a.=</s:Cursor><s:PageSize>20</s:PageSize>"

DOCUMENT: Final = f"""<d:Document schemaVersion="1.0">
  <d:Header>
    <d:DocumentId>{DOCUMENT_ID}</d:DocumentId>
    <d:ConversationId>{CONVERSATION_ID}</d:ConversationId>
    <d:CreatedAt>2026-10-06T09:12:00Z</d:CreatedAt>
    <d:Sender><d:Party><d:Cvr>22222222</d:Cvr><d:InstitutionNumber>999001</d:InstitutionNumber>
      <d:Name>Prøveby Erhvervsskole</d:Name></d:Party></d:Sender>
    <d:Recipient><d:Party><d:Cvr>11111111</d:Cvr><d:MunicipalityCode>0999</d:MunicipalityCode>
      <d:Name>Eksempelby Kommune</d:Name></d:Party>
      <d:Attention><d:Role>CASEWORKER</d:Role></d:Attention></d:Recipient>
    <d:Subject><d:CprNumber>7403055092</d:CprNumber><d:Name>Alma Prøvesen</d:Name>
      <d:ProtectedNameAndAddress>false</d:ProtectedNameAndAddress></d:Subject>
    <d:Purpose>RETENTION</d:Purpose>
    <d:LegalBasis><d:Provision>LAB-30-8-2</d:Provision><d:GdprArticle6>E</d:GdprArticle6></d:LegalBasis>
    <d:SubjectInformation><d:Method>AT_SCHOOL</d:Method><d:InformedOn>2026-10-06</d:InformedOn>
      <d:HadInfluence>true</d:HadInfluence></d:SubjectInformation>
    <d:SealedBy>GATEWAY</d:SealedBy>
    <d:Nonce>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</d:Nonce>
  </d:Header>
  <d:DropoutRiskNotice>
    <d:EventDate>2026-10-06</d:EventDate>
    <d:Education><d:Level>EUD</d:Level><d:Name>Tømrer</d:Name><d:StartDate>2026-08-10</d:StartDate></d:Education>
    <d:Phase>NEW</d:Phase>
    <d:Urgency>TWO_DAYS</d:Urgency>
    <d:Imminent>true</d:Imminent>
    <d:RiskSign><d:Code>ABSENCE</d:Code></d:RiskSign>
    <d:ActionWanted><d:Code>CONTACT_SUBJECT</d:Code></d:ActionWanted>
    <d:Contact><d:Kind>PRIMARY</d:Kind><d:Role>STUDY_COUNSELLOR</d:Role><d:Phone>+4500000002</d:Phone></d:Contact>
  </d:DropoutRiskNotice>
</d:Document>"""

EXACT_OCTETS: Final = DOCUMENT.replace(
    "<d:Document", '<d:Document xmlns:d="urn:dk:bropost:document:1"', 1
).encode()

PlainRequest = (
    GetStatusRequest
    | GetEvidenceRequest
    | ListEventsRequest
    | ListInboxRequest
    | RetrieveRequest
    | ConfirmHandoverRequest
    | RegisterReadRequest
    | WithdrawDocumentRequest
    | FindPartyRequest
    | PingRequest
)

REQUESTS: Final[dict[PlainRequest, str]] = {
    GetStatusRequest(INSTITUTION, DOCUMENT_ID): _OURS + _ID,
    GetEvidenceRequest(INSTITUTION, DOCUMENT_ID): _OURS + _ID,
    ListEventsRequest(INSTITUTION, "c-1_a.=", 20): _OURS + _PAGE,
    ListInboxRequest(
        INSTITUTION, Role.TEACHER, DocumentKind.EDUCATION_ORDER_LETTER, True, "c-1_a.=", 20
    ): f"{_OURS}<s:Attention>TEACHER</s:Attention><s:Kind>EducationOrderLetter</s:Kind>"
    f"<s:UnreadOnly> 1 </s:UnreadOnly>{_PAGE}",
    RetrieveRequest(INSTITUTION, DOCUMENT_ID): _OURS + _ID,
    ConfirmHandoverRequest(
        INSTITUTION, DOCUMENT_ID, DIGEST
    ): f"{_OURS}{_ID}<s:ContentDigest>AAECAwQFBgcICQoLDA0O\nDxAREhMUFRYXGBkaGxwdHh8=</s:ContentDigest>",
    RegisterReadRequest(
        INSTITUTION, DOCUMENT_ID, Role.STUDY_COUNSELLOR, "Mette Eksempel", AT
    ): f"{_OURS}{_ID}<s:ReaderRole>STUDY_COUNSELLOR</s:ReaderRole><s:ReaderName>Mette Eksempel</s:ReaderName>"
    "<s:ReadAt>2026-10-06T09:12:00.25Z</s:ReadAt>",
    WithdrawDocumentRequest(
        INSTITUTION, DOCUMENT_ID, ReasonCode.WRONG_RECIPIENT, "Sendt til en anden skole"
    ): f"{_OURS}{_ID}<s:Reason>WRONG_RECIPIENT</s:Reason><s:Note>Sendt til en anden skole</s:Note>",
    FindPartyRequest(
        INSTITUTION, Cvr("11111111"), "0999", "eksempel"
    ): f"{_OURS}{_THEIRS}<s:Name>eksempel</s:Name>",
    PingRequest(INSTITUTION, "Hej", MUNICIPALITY): f"{_OURS}<s:Echo>Hej</s:Echo><s:Party>{_THEIRS}</s:Party>",
}
"""Each request that carries no document, with the inside of its element (s: service, d: document)."""

SEND: Final = f"""{_OURS}{DOCUMENT}
  <s:Attachment><s:Number>1</s:Number><s:Content>aGVq</s:Content></s:Attachment>
  <s:Override><s:Rule>RULE_X02</s:Rule><s:Reason>Ordet står i skolens navn</s:Reason></s:Override>"""

_INFERRED: Final = TimelineEvent("HANDED_OVER", Standing.INFERRED)
_HAPPENED: Final = TimelineEvent(
    "ANSWERED",
    Standing.EVIDENCE,
    OTHER_ID,
    AT,
    "Eksempelby Kommune",
    MUNICIPALITY,
    DOCUMENT_ID,
    AnswerCode.NEED_MORE,
    (EventReason(ReasonCode.NOT_READ, "EBMS:0005"), EventReason(ReasonCode.OTHER)),
    frozenset(Flag),
    OTHER_ID,
)

ANSWERS: Final[tuple[Answer, ...]] = (
    SendAnswer(
        Operation.SEND_LETTER,
        DOCUMENT_ID,
        State.ACCEPTED,
        False,
        b"<evidence/>",
        (Violation("/Document/Header", 3, "RULE_L01", "Skriv mere.", "Write more."),),
    ),
    SendAnswer(Operation.SEND_NOTICE, DOCUMENT_ID, State.READ, True, b"<evidence/>"),
    StatusAnswer(
        DOCUMENT_ID,
        State.ANSWERED,
        (_INFERRED, _HAPPENED),
        tuple(TimelineDeadline(kind, AT, kind is DeadlineKind.READ) for kind in DeadlineKind),
        OTHER_ID,
    ),
    EvidenceAnswer(
        DOCUMENT_ID,
        tuple(SignedEvidence(OTHER_ID, event, b"<evidence/>", "line 1\nline 2\n") for event in EvidenceEvent),
    ),
    EventsAnswer((ListedEvent(DOCUMENT_ID, CONVERSATION_ID, State.ANSWERED, _HAPPENED),), "next", True),
    EventsAnswer((), "next", False),
    InboxAnswer(
        (
            InboxItem(
                DOCUMENT_ID,
                CONVERSATION_ID,
                DocumentKind.DROPOUT_RISK_NOTICE,
                INSTITUTION,
                "Prøveby Erhvervsskole",
                (InboxAttention(Role.CASEWORKER, "Ungeindsatsen"), InboxAttention(Role.MAIN_MAILBOX)),
                AT,
                State.AVAILABLE,
                2,
                date(2026, 10, 8),
                True,
                OTHER_ID,
            ),
        ),
        "next",
        False,
    ),
    RetrieveAnswer(
        DOCUMENT_ID,
        State.AVAILABLE,
        EXACT_OCTETS,
        (AttachmentContent(1, memoryview(b"hej")),),
        CONVERSATION_ID,
    ),
    HandoverAnswer(DOCUMENT_ID, State.HANDED_OVER, False, b"<evidence/>"),
    ReadAnswer(DOCUMENT_ID, State.READ, True, b"<evidence/>"),
    WithdrawalAnswer(DOCUMENT_ID, State.WITHDRAWN, False, True, b"<evidence/>", was_fetched=True),
    FindPartyAnswer(
        (
            FoundParty(
                MUNICIPALITY,
                "Eksempelby Kommune",
                True,
                (DocumentKind.DROPOUT_RISK_NOTICE,),
                (
                    Contact(
                        Role.CASEWORKER,
                        "Mette Eksempel",
                        "Ungeindsatsen",
                        "+4500000001",
                        "ung@eksempelby.example",
                    ),
                ),
            ),
            FoundParty(INSTITUTION, "Prøveby Erhvervsskole", False),
        )
    ),
    PingAnswer(
        CertificateFacts(Cvr("11111111"), "Eksempelby Kommune", "0a1b2c", AT, "ab" * 32),
        -3,
        (
            Mandate(
                OTHER_ID,
                OTHER_ID,
                MUNICIPALITY,
                frozenset(Operation),
                frozenset(DocumentKind),
                AT,
                AT,
                "godkender",
            ),
        ),
        "Hej",
        False,
    ),
)
"""Every answer, the optional fields filled in somewhere."""


def request_xml(operation: Operation, inside: str) -> bytes:
    """Return the element of a request, with the prefixes of the samples declared on it."""
    names = 'xmlns:s="urn:dk:bropost:service:1" xmlns:d="urn:dk:bropost:document:1"'
    return f"<s:{operation.value} {names}>{inside}</s:{operation.value}>".encode()
