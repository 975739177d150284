"""The schemas decide what is valid, and tell where and what to do without quoting what they found."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import xmlschema

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError, InternalError, Violation
from gateway.domain.evidence import EvidenceEvent
from gateway.domain.kinds import DocumentKind, Urgency
from gateway.domain.party import Role
from gateway.xmlcore import resources, schema
from gateway.xmlcore.declarations import declarations, labels
from gateway.xmlcore.namespaces import DS, EVIDENCE, tag
from gateway.xmlcore.parse import parse
from gateway.xmlcore.schema import MOST_VIOLATIONS, document_schema, evidence_schema, service_schema
from tests.xmlcore.letters import LETTER, NOTICE


def _violations(text: str) -> tuple[Violation, ...]:
    return document_schema().validate(parse(text.encode()))


def _changed(before: str, after: str, text: str = LETTER) -> str:
    assert before in text
    return text.replace(before, after, 1)


@pytest.mark.parametrize("text", [LETTER, NOTICE])
def test_the_least_document_of_each_kind_is_valid(text: str) -> None:
    assert _violations(text) == ()
    document_schema().require(parse(text.encode()))


def test_a_document_may_use_any_prefix() -> None:
    prefixed = re.sub(r"<(/?)(?=[A-Z])", r"<\1p:", LETTER).replace("xmlns=", "xmlns:p=")
    assert _violations(prefixed) == ()


def test_a_document_is_judged_where_it_stands_in_a_message() -> None:
    message = parse(f"<Body>{_changed('7403055092', '1', LETTER)}</Body>".encode())
    found = document_schema().validate(message[0])
    assert [violation.path for violation in found] == ["/Document/Header/Subject/CprNumber"]


def test_a_signature_may_stand_last() -> None:
    signature = f'<ds:Signature xmlns:ds="{DS}"/>'
    signed = parse(_changed("</Document>", f"{signature}</Document>").encode())
    assert all("Signature" not in violation.english for violation in document_schema().validate(signed))
    early = parse(_changed("<Header>", f"{signature}<Header>").encode())
    assert document_schema().validate(early)[0].code == "element-unexpected"


def test_require_raises_with_every_violation_and_its_place() -> None:
    broken = _changed("7403055092", "740305-5092", _changed("2026-06-22", "22.06.2026"))
    with pytest.raises(InputError) as raised:
        document_schema().require(parse(broken.encode()))
    assert raised.value.code is Code.SCHEMA_INVALID
    assert raised.value.facts == {"count": 2}
    assert [violation.path for violation in raised.value.violations] == [
        "/Document/Header/Subject/CprNumber",
        "/Document/EducationOrderLetter/Order/IssuedOn",
    ]


@pytest.mark.parametrize(
    "root", ["<Evidence/>", "<Document/>", '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>']
)
def test_another_root_is_refused_by_name(root: str) -> None:
    with pytest.raises(InputError) as raised:
        document_schema().require(parse(root.encode()))
    assert raised.value.code is Code.SCHEMA_UNKNOWN_ROOT
    assert raised.value.violations[0].code == "root-unknown"
    assert "Document" in raised.value.violations[0].danish


def test_a_violation_names_the_line_and_the_place_among_namesakes() -> None:
    broken = _changed("<Provision>DBL-11-1<", "<Provision>dbl<")
    (violation,) = _violations(broken)
    assert violation.path == "/Document/Header/LegalBasis[2]/Provision"
    assert violation.line == broken[: broken.index(">dbl<")].count("\n") + 1


def test_an_unknown_name_is_not_repeated() -> None:
    (violation,) = _violations(_changed("<Order>", "<Order><Alma7403055092/>"))
    assert violation.path == "/Document/EducationOrderLetter/Order/*"
    assert "Alma" not in violation.danish + violation.english + violation.path


def test_a_wrong_namespace_is_told_as_such() -> None:
    (violation,) = _violations(_changed("<Order>", '<Order xmlns="urn:other">'))
    assert violation.code == "element-namespace"


def test_a_missing_element_is_named() -> None:
    (violation,) = _violations(_changed("<Nonce>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</Nonce>", ""))
    assert (violation.code, violation.path) == ("element-missing", "/Document/Header")
    assert "Nonce" in violation.danish


def test_one_value_gets_one_violation() -> None:
    assert len(_violations(_changed("<Name>Alma Prøvesen<", f"<Name>\t{'x' * 200}<"))) == 1


def test_violations_are_bounded() -> None:
    many = "<Mentor><Status>?</Status></Mentor>" * 3 + "<Measure><Code>?</Code></Measure>" * 200
    assert 0 < len(_violations(_changed("<Mentor>", f"{many}<Mentor>"))) <= MOST_VIOLATIONS


@pytest.mark.parametrize(
    "change",
    [
        ("<Order>", '<Order xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true">'),
        (
            "<Order>",
            '<Order xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:d="urn:dk:bropost:document:1" '
            'xsi:type="d:Subject">',
        ),
        ("</Assessment>", "</Assessment><Any/>"),
        ("<EducationOrderLetter>", "<DropoutRiskNotice/><EducationOrderLetter>"),
        ("<Subject>", "<Address>x</Address><Subject>"),
    ],
)
def test_what_the_schema_does_not_foresee_is_refused(change: tuple[str, str]) -> None:
    assert _violations(_changed(*change)) != ()


def test_corrects_and_withdraws_exclude_each_other() -> None:
    earlier = (
        "<DocumentId>7d0f2f0a-4b1c-4e2d-9a3b-0c1d2e3f4a5c</DocumentId><Reason>Forkert startdato</Reason>"
    )
    corrects, withdraws = f"<Corrects>{earlier}</Corrects>", f"<Withdraws>{earlier}</Withdraws>"
    assert _violations(_changed("<CreatedAt>", f"{corrects}<CreatedAt>")) == ()
    assert _violations(_changed("<CreatedAt>", f"{withdraws}<CreatedAt>")) == ()
    assert _violations(_changed("<CreatedAt>", f"{corrects}{withdraws}<CreatedAt>")) != ()


def test_the_header_ends_with_room_for_eight_extensions() -> None:
    extension = "<Extension><Name>LOCAL_REF</Name><Value>4711</Value></Extension>"
    assert _violations(_changed("</Header>", f"{extension * 8}</Header>")) == ()
    assert _violations(_changed("</Header>", f"{extension * 9}</Header>")) != ()


def test_at_most_ten_attachments_are_listed() -> None:
    attachment = (
        "<Attachment><Number>1</Number><FileName>plan.pdf</FileName><MediaType>application/pdf</MediaType>"
        "<Size>10</Size><Sha256>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</Sha256><Title>Plan</Title>"
        "<Category>plan</Category></Attachment>"
    )
    end = "</EducationOrderLetter>"
    assert _violations(_changed(end, f"{end}<Attachments>{attachment * 10}</Attachments>")) == ()
    assert _violations(_changed(end, f"{end}<Attachments>{attachment * 11}</Attachments>")) != ()


def test_threads_each_get_the_violations_of_their_own_document() -> None:
    breaks = {
        "/Document/Header/Subject/CprNumber": ("7403055092", "1"),
        "/Document/EducationOrderLetter/Order/IssuedOn": ("2026-06-22", "i går"),
        "/Document/EducationOrderLetter/Mentor/HoursPerWeek": (">3<", ">400<"),
    }
    texts = {path: _changed(*change) for path, change in breaks.items()}

    def judge(path: str) -> bool:
        return all([v.path for v in _violations(texts[path])] == [path] for _ in range(200))

    with ThreadPoolExecutor(max_workers=6) as pool:
        assert all(pool.map(judge, list(texts) * 4))


def test_evidence_has_a_schema_of_its_own() -> None:
    text = f"""<Evidence xmlns="{EVIDENCE}"><Version>1.0</Version>
      <EvidenceIdentifier>7d0f2f0a-4b1c-4e2d-9a3b-0c1d2e3f4a5b</EvidenceIdentifier>
      <Event>SubmissionAcceptance</Event><EventTime>2026-08-05T09:12:01.120Z</EventTime>
      <IssuedOnAbsence>false</IssuedOnAbsence>
      <EvidenceIssuer><Cvr>11111111</Cvr><Name>Eksempelby Kommune</Name></EvidenceIssuer>
      <LogEntryId>0b9a8c7d-6e5f-4a3b-8c2d-1e0f9a8b7c6d</LogEntryId>
      <LogOrigin>bropost/0b9a8c7d-6e5f-4a3b-8c2d-1e0f9a8b7c6d/11111111-0999</LogOrigin></Evidence>"""
    assert evidence_schema().validate(parse(text.encode())) == ()
    (violation,) = evidence_schema().validate(parse(_changed("SubmissionAcceptance", "Read", text).encode()))
    assert violation.path == "/Evidence/Event"
    assert evidence_schema().validate(parse(LETTER.encode()))[0].code == "root-unknown"


def test_the_service_schema_knows_documents_within_its_messages() -> None:
    roots = declarations(resources.SERVICE_SCHEMA).elements
    assert tag("urn:dk:bropost:service:1", "SendLetter") in roots
    assert service_schema().validate(parse(LETTER.encode()))[0].code == "root-unknown"


_SENDING = (
    '<SendLetter xmlns="urn:dk:bropost:service:1"><OnBehalfOf><Cvr>11111111</Cvr>'
    "<MunicipalityCode>0999</MunicipalityCode></OnBehalfOf>{document}</SendLetter>"
)


def test_a_violation_inside_the_document_has_the_same_path_in_a_message_and_alone() -> None:
    broken = _changed("7403055092", "740305-5092")
    alone = document_schema().validate(parse(broken.encode()))
    carried = service_schema().validate(parse(_SENDING.format(document=broken).encode()))
    assert [each.path for each in alone] == ["/Document/Header/Subject/CprNumber"]
    assert [each.path for each in carried] == [each.path for each in alone]


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("<Cvr>11111111", "<Cvr>1", "/SendLetter/OnBehalfOf/Cvr"),
        ("{document}", "{document}<Override/>", "/SendLetter/Override"),
        ("{document}", "{document}{document}", "/SendLetter/Document[2]"),
    ],
)
def test_a_violation_outside_of_the_document_has_a_path_from_the_message(
    before: str, after: str, path: str
) -> None:
    message = _SENDING.replace(before, after).format(document=LETTER)
    assert [each.path for each in service_schema().validate(parse(message.encode()))] == [path]


@pytest.mark.parametrize("beginning", ["file://", "", "bropost-schema:/"])
def test_a_schema_reads_packaged_files_alone(
    beginning: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside.xsd"
    outside.write_bytes(resources.read("document/types.xsd"))
    including = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:dk:bropost:document:1">'
        f'<xs:include schemaLocation="{beginning}{outside}"/></xs:schema>'
    )
    monkeypatch.setattr(resources, "read", {"document/including.xsd": including.encode()}.__getitem__)
    with pytest.raises(InternalError):
        schema._compile("document/including.xsd")


def test_no_thread_makes_a_schema_once_all_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    schema.compile_all()
    monkeypatch.delattr(schema, "_compile")
    with ThreadPoolExecutor(max_workers=6) as pool:
        assert not any(pool.map(_violations, [LETTER] * 60))


@pytest.mark.parametrize(
    "name", ["../pyproject.toml", "/etc/hostname", "document", "", "document/nothing.xsd"]
)
def test_only_packaged_files_are_read(name: str) -> None:
    with pytest.raises(LookupError):
        resources.read(name)


def test_another_validator_agrees() -> None:
    standard = (resources._xmlschema_package() / "schemas/DSIG/xmldsig-core-schema.xsd").as_uri()
    oracle = xmlschema.XMLSchema(
        str(resources.folder() / resources.DOCUMENT_SCHEMA),
        uri_mapper=lambda uri: standard if uri.endswith("xmldsig-core-schema.xsd") else uri,
    )
    for text in (LETTER, NOTICE):
        assert oracle.is_valid(text)
    for change in (("7403055092", "1"), ("<Order>", "<Order><X/>"), (' system="UDD"', ""), (">3<", ">99<")):
        assert not oracle.is_valid(_changed(*change))


def test_the_enumerations_of_the_domain_are_those_of_the_schema() -> None:
    events = declarations(resources.EVIDENCE_SCHEMA).values(tag(EVIDENCE, "Event"))
    assert {event.value for event in EvidenceEvent} == {value.text for value in events}
    assert {urgency.value for urgency in Urgency} == set(labels("RiskUrgency"))
    assert {role.value for role in Role} >= set(labels("Role"))


def test_the_schema_calls_each_kind_what_the_domain_calls_it() -> None:
    declared = declarations(resources.DOCUMENT_SCHEMA)
    names = {
        member.local_name: member.texts.labels
        for member in declared.members(next(iter(declared.elements.values())))
        if member.local_name not in ("Header", "Attachments")
    }
    assert names == {kind.value: (kind.row.danish, kind.row.english) for kind in DocumentKind}
