"""Small documents to break: the least that the schema takes of each kind, written out as a system would send it."""

from __future__ import annotations

from typing import Final

_HEADER: Final = """
  <Header>
    <DocumentId>7d0f2f0a-4b1c-4e2d-9a3b-0c1d2e3f4a5b</DocumentId>
    <ConversationId>0b9a8c7d-6e5f-4a3b-8c2d-1e0f9a8b7c6d</ConversationId>
    <CreatedAt>2026-08-05T09:12:00Z</CreatedAt>
    <Sender>
      <Party><Cvr>{sender}</Cvr>{sender_unit}<Name>Afsender</Name></Party>
    </Sender>
    <Recipient>
      <Party><Cvr>{recipient}</Cvr>{recipient_unit}<Name>Modtager</Name></Party>
      <Attention><Role>STUDY_COUNSELLOR</Role></Attention>
    </Recipient>
    <Subject>
      <CprNumber>7403055092</CprNumber>
      <Name>Alma Prøvesen</Name>
      <ProtectedNameAndAddress>false</ProtectedNameAndAddress>
    </Subject>
    <Purpose>START_SUPPORT</Purpose>
    <LegalBasis><Provision>LAB-30-7-1</Provision><GdprArticle6>E</GdprArticle6></LegalBasis>
    <LegalBasis><Provision>DBL-11-1</Provision><GdprArticle6>E</GdprArticle6></LegalBasis>
    <SubjectInformation><Method>MEETING</Method><HadInfluence>true</HadInfluence></SubjectInformation>
    <SealedBy>SYSTEM</SealedBy>
    <Nonce>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</Nonce>
  </Header>"""

_MUNICIPALITY: Final = "<MunicipalityCode>0999</MunicipalityCode>"
_INSTITUTION: Final = "<InstitutionNumber>999001</InstitutionNumber>"
_EDUCATION: Final = (
    '<Education><Level>EUD</Level><Code system="UDD">1234</Code><Name>Tømrer</Name>'
    "<StartDate>2026-08-10</StartDate></Education>"
)
_CONTACT: Final = "<Kind>PRIMARY</Kind><Role>CASEWORKER</Role><Phone>+4500000001</Phone>"

LETTER: Final = f"""<Document xmlns="urn:dk:bropost:document:1" schemaVersion="1.0">{
    _HEADER.format(
        sender="11111111", sender_unit=_MUNICIPALITY, recipient="22222222", recipient_unit=_INSTITUTION
    )
}
  <EducationOrderLetter>
    <Order><IssuedOn>2026-06-22</IssuedOn></Order>
    {_EDUCATION}
    <Assessment><SupportNeeded>true</SupportNeeded></Assessment>
    <Mentor><Status>APPLIED</Status><HoursPerWeek>3</HoursPerWeek></Mentor>
    <Contact>{_CONTACT}</Contact>
    <RiskContact>
      <Primary>{_CONTACT}</Primary>
      <AnswerWithinWorkingDays>2</AnswerWithinWorkingDays>
    </RiskContact>
  </EducationOrderLetter>
</Document>
"""

NOTICE: Final = f"""<Document xmlns="urn:dk:bropost:document:1" schemaVersion="1.0">{
    _HEADER.format(
        sender="22222222", sender_unit=_INSTITUTION, recipient="11111111", recipient_unit=_MUNICIPALITY
    )
}
  <DropoutRiskNotice>
    <EventDate>2026-10-06</EventDate>
    {_EDUCATION}
    <Phase>NEW</Phase>
    <Urgency>TWO_DAYS</Urgency>
    <Imminent>true</Imminent>
    <RiskSign><Code>ABSENCE</Code></RiskSign>
    <AbsencePercent>41</AbsencePercent>
    <ActionWanted><Code>CONTACT_SUBJECT</Code></ActionWanted>
    <Contact>{_CONTACT}</Contact>
  </DropoutRiskNotice>
</Document>
"""
