"""The disclosure log tells of everything that was shared, shows nobody's data, and can be verified by anyone."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.disclosure import CommittedField, EntryKind, Leaf, Visibility
from gateway.domain.errors import InputError, InternalError
from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.party import Route
from gateway.services import disclosure_log, parties
from gateway.storage import log, openings
from gateway.translog.commitment import Opening, parse_opening, verify_opening
from gateway.translog.leaf import parse_leaf
from gateway.translog.report import Verdict
from gateway.translog.verifier import verify_bundle
from tests.golden.changes import Insert
from tests.installation import (
    INSTITUTION,
    MUNICIPALITY,
    OTHER_INSTITUTION,
    TestInstallation,
    open_test_installation,
)
from tests.services.papers import (
    CPR,
    PERSONAL,
    accepted,
    confirm,
    deliver_letter,
    evidence,
    id_of,
    paper,
    read,
    request,
    retrieve,
    send_letter,
    sending,
    text_of,
)


def leaves(house: TestInstallation, party: PartyId) -> list[Leaf]:
    """The entries of a party's log."""
    with house.installation.database.read() as connection:
        head = log.log_head(connection, party)
        assert head is not None
        return [parse_leaf(each.octets) for each in log.entries(connection, party, 0, head.size)]


def opened(house: TestInstallation, party: PartyId, entry_id: Uuid4) -> dict[CommittedField, Opening]:
    """The openings of an entry, decrypted with the party's key."""
    with house.installation.database.read() as connection:
        row = openings.find_opening(connection, entry_id)
    assert row is not None
    name = entry_id.text.encode()
    key = house.installation.keys.key_encryption_key(party).unwrap(row.wrapped_key, name)
    found = [parse_opening(line) for line in key.decrypt(row.ciphertext, name).split(b"\n")]
    return {opening.field: opening for opening in found}


def _kinds(house: TestInstallation, party: PartyId) -> list[tuple[str, str | None]]:
    return [(leaf.kind.value, leaf.event) for leaf in leaves(house, party)]


# --- what is told --------------------------------------------------------------------------------------


def test_a_letters_life_is_told_in_both_parties_logs(house: TestInstallation) -> None:
    before = {party: len(leaves(house, party)) for party in (MUNICIPALITY, INSTITUTION)}
    document_id = deliver_letter(house)
    confirm(house.sis, document_id, retrieve(house, document_id))
    read(house.sis, document_id, house.clock())
    assert _kinds(house, MUNICIPALITY)[before[MUNICIPALITY] :] == [
        ("DISCLOSE", "SubmissionAcceptance"),
        ("EVIDENCE", "ContentConsignment"),
        ("EVIDENCE", "ContentHandover"),
        ("EVIDENCE", "ContentAccessTracking"),
    ]
    assert _kinds(house, INSTITUTION)[before[INSTITUTION] :] == [
        ("RECEIVE", "ContentConsignment"),
        ("ACCESS", None),
        ("EVIDENCE", "ContentHandover"),
        ("EVIDENCE", "ContentAccessTracking"),
    ]


def test_a_foreign_partys_log_tells_nothing_of_it(house: TestInstallation) -> None:
    before = _kinds(house, OTHER_INSTITUTION)
    deliver_letter(house)
    assert _kinds(house, OTHER_INSTITUTION) == before


@pytest.mark.parametrize("party", [MUNICIPALITY, INSTITUTION], ids=["DISCLOSE", "RECEIVE"])
def test_the_fields_told_as_sent_are_exactly_those_of_the_document(
    house: TestInstallation, party: PartyId
) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    house.work()
    (leaf,) = (each for each in leaves(house, party) if each.kind in (EntryKind.DISCLOSE, EntryKind.RECEIVE))
    assert leaf.fields_sent == tuple(dict.fromkeys(_paths(letter)))
    assert not set(leaf.fields_withheld) & set(leaf.fields_sent)
    assert (
        "/Document/EducationOrderLetter/TargetGroup" in leaf.fields_withheld
    )  # kept back as the person wished


def _paths(element: etree._Element, above: str = "") -> list[str]:
    """The paths of the elements that hold values, in document order."""
    path = f"{above}/{etree.QName(element).localname}"
    if len(element) == 0:
        return [path]
    return [each for child in element for each in _paths(child, path)]


def test_an_entry_tells_why_to_whom_and_on_what_basis(house: TestInstallation) -> None:
    letter = paper(house.clock())
    accepted(house.esdh, sending(letter))
    (leaf,) = (each for each in leaves(house, MUNICIPALITY) if each.kind is EntryKind.DISCLOSE)
    assert leaf.purposes == ("START_SUPPORT", "RETENTION")
    assert [basis.provision for basis in leaf.bases] == ["LAB-30-7-1", "BEKDG-44-2", "DBL-11-1"]
    assert leaf.sender is not None
    assert leaf.recipient is not None
    assert (leaf.sender.party, leaf.sender.roles) == (MUNICIPALITY, ("ORDER_CASEWORKER",))
    assert leaf.sender.system == house.systems["eksempelby-esdh"].id.text
    assert (leaf.recipient.party, leaf.recipient.roles) == (
        INSTITUTION,
        ("STUDY_COUNSELLOR", "CONTACT_TEACHER"),
    )
    assert leaf.schema is not None
    assert (leaf.document_kind, leaf.schema.version) == ("EducationOrderLetter", "1.0")
    assert {"support", "measure", "identity"} <= set(leaf.categories)
    assert leaf.visibility is Visibility.OPEN


def test_evidence_and_log_name_each_other(house: TestInstallation) -> None:
    answer = accepted(house.esdh, sending(paper(house.clock())))
    acceptance = evidence(house, answer.text("SubmissionAcceptance"))
    (leaf,) = (each for each in leaves(house, MUNICIPALITY) if each.kind is EntryKind.DISCLOSE)
    assert acceptance["LogEntryId"] == leaf.entry_id.text
    assert acceptance["LogOrigin"] == str(leaf.log)


def test_the_rules_that_a_letter_was_sent_against_are_told_and_the_reasons_committed_to(
    house: TestInstallation,
) -> None:
    text = "<MessageTo><Role>TEACHER</Role><Text>Alma har ADHD.</Text></MessageTo>"
    letter = paper(house.clock(), Insert("after", "/Document/EducationOrderLetter/MessageTo[2]", text))
    overrides = {"RULE_X02": "Alma har selv bedt om det", "RULE_X03": "Ikke brugt"}
    accepted(house.esdh, sending(letter, overrides=overrides))
    (leaf,) = (each for each in leaves(house, MUNICIPALITY) if each.kind is EntryKind.DISCLOSE)
    assert leaf.details == ("RULE_X02",)
    reasons = opened(house, MUNICIPALITY, leaf.entry_id)[CommittedField.DECISION]
    assert reasons.value == "RULE_X02: Alma har selv bedt om det"
    assert leaf.decision is not None
    assert verify_opening(reasons, leaf.decision)


# --- what is not told ----------------------------------------------------------------------------------


def test_commitments_open_to_what_was_shared_and_to_nothing_else(house: TestInstallation) -> None:
    letter = paper(house.clock())
    answer = accepted(house.esdh, sending(letter))
    house.work()
    acceptance = evidence(house, answer.text("SubmissionAcceptance"))
    shared = {
        CommittedField.SUBJECT: CPR,
        CommittedField.DOCUMENT: id_of(letter),
        CommittedField.CONVERSATION: text_of(letter, "ConversationId"),
        CommittedField.CONTENT: acceptance.octets("ContentDigest").hex(),
    }
    first = base64.b64decode(answer.text("SubmissionAcceptance"))
    consignment = base64.b64decode(
        accepted(house.sis, request("GetEvidence", INSTITUTION, DocumentId=id_of(letter))).text(
            "Evidence/Content"
        )
    )
    for party, kind, evidenced in (
        (MUNICIPALITY, EntryKind.DISCLOSE, first),
        (INSTITUTION, EntryKind.RECEIVE, consignment),
    ):
        shared[CommittedField.EVIDENCE] = hashlib.sha256(evidenced).hexdigest()
        (leaf,) = (each for each in leaves(house, party) if each.kind is kind)
        given = opened(house, party, leaf.entry_id)
        assert {field: opening.value for field, opening in given.items()} == shared
        assert leaf.commitments().keys() == given.keys()
        assert all(
            verify_opening(given[field], commitment) for field, commitment in leaf.commitments().items()
        )
        other = Opening(
            leaf.entry_id, CommittedField.SUBJECT, given[CommittedField.SUBJECT].salt, "7403055093"
        )
        assert leaf.subject is not None
        assert not verify_opening(other, leaf.subject)


def test_the_same_person_twice_cannot_be_seen_in_the_log(house: TestInstallation) -> None:
    for _ in range(2):
        send_letter(house)
    shared = [leaf.subject for leaf in leaves(house, MUNICIPALITY) if leaf.kind is EntryKind.DISCLOSE]
    assert len(set(shared)) == 2


def test_no_partys_key_opens_another_partys_entries(house: TestInstallation) -> None:
    deliver_letter(house)
    (leaf,) = (each for each in leaves(house, MUNICIPALITY) if each.kind is EntryKind.DISCLOSE)
    with pytest.raises(InternalError, match="STORED_DATA_ALTERED"):
        opened(house, INSTITUTION, leaf.entry_id)


# --- the bundle ----------------------------------------------------------------------------------------


def _exported(house: TestInstallation, party: PartyId = MUNICIPALITY) -> tuple[bytes, str]:
    target = io.BytesIO()
    checkpoint = disclosure_log.export(house.installation, party, target)
    return target.getvalue(), checkpoint


def _verdict(bundle: bytes, key: str | None, checkpoint: str | None) -> Verdict:
    return verify_bundle(io.BytesIO(bundle), log_key=key, known_checkpoint=checkpoint).verdict


def _key(house: TestInstallation, party: PartyId = MUNICIPALITY) -> str:
    return str(disclosure_log.log_key(house.installation, party))


def test_a_bundle_verifies_with_the_key_and_a_checkpoint_that_the_auditor_kept(
    house: TestInstallation,
) -> None:
    house.work()
    _, kept = _exported(house)
    for _ in range(3):
        deliver_letter(house)
        house.clock.forward(seconds=5)
    bundle, _ = _exported(house)
    assert _verdict(bundle, _key(house), kept) is Verdict.OK
    assert _verdict(bundle, None, None) is Verdict.UNANCHORED
    assert _verdict(bundle, _key(house), None) is Verdict.UNANCHORED
    assert _verdict(bundle, _key(house, INSTITUTION), kept) is Verdict.INVALID


def test_a_bundle_in_which_one_octet_was_changed_does_not_verify(house: TestInstallation) -> None:
    _, kept = _exported(house)
    deliver_letter(house)
    bundle, _ = _exported(house)
    changed = _with_entries(bundle, lambda entries: entries.replace(b'"DISCLOSE"', b'"RECEIVE"'))
    assert _verdict(changed, _key(house), kept) is Verdict.INVALID
    without = _with_entries(bundle, lambda entries: b"".join(entries.splitlines(keepends=True)[:-2]))
    assert _verdict(without, _key(house), kept) is Verdict.INVALID


def _with_entries(bundle: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The bundle with its entries changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as source, zipfile.ZipFile(target, "w") as changed:
        for info in source.infolist():
            octets = source.read(info)
            if info.filename == "entries.jsonl":
                assert change(octets) != octets
                octets = change(octets)
            changed.writestr(info, octets)
    return target.getvalue()


def test_a_log_that_lost_its_tail_since_the_last_audit_does_not_verify(house: TestInstallation) -> None:
    short, _ = _exported(house)
    deliver_letter(house)
    _, kept = _exported(house)
    assert _verdict(short, _key(house), kept) is not Verdict.OK


def test_an_export_is_itself_the_last_entry_of_its_bundle(house: TestInstallation) -> None:
    bundle, checkpoint = _exported(house)
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        entries = archive.read("entries.jsonl").splitlines()
    assert parse_leaf(entries[-1]).kind is EntryKind.EXPORT
    assert f"\n{len(entries)}\n" in checkpoint
    assert leaves(house, MUNICIPALITY)[-1].kind is EntryKind.EXPORT


def test_a_bundle_shows_nobodys_data(house: TestInstallation) -> None:
    document_id = deliver_letter(house)
    bundle, _ = _exported(house)
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    secrets = (*PERSONAL, document_id)
    assert [secret for secret in secrets if secret.encode() in content] == []


def test_a_log_that_grows_while_it_is_exported_makes_a_bundle_that_verifies(house: TestInstallation) -> None:
    send_letter(house)
    gateway = open_test_installation(house.folder, registered=False)  # another process on the same store
    commits: list[str] = []

    def go_on(moment: str) -> None:
        commits.append(moment)
        if commits == ["before", "after"]:
            send_letter(gateway)
            disclosure_log.make_checkpoints(gateway.installation, timedelta(0))

    house.installation.database.on_commit.append(go_on)
    bundle, checkpoint = _exported(house)
    gateway.close()
    assert len(commits) > 2
    assert _verdict(bundle, _key(house), checkpoint) is Verdict.OK


def test_a_party_without_log_cannot_be_exported(house: TestInstallation) -> None:
    with pytest.raises(InputError) as refused:
        _exported(house, PartyId(Cvr("99999999"), "0999"))
    assert refused.value.code is Code.NOT_FOUND


# --- checkpoints ---------------------------------------------------------------------------------------


def test_a_checkpoint_is_made_when_a_log_grew_and_the_last_one_is_old_enough(house: TestInstallation) -> None:
    def made() -> int:
        return disclosure_log.make_checkpoints(house.installation, timedelta(seconds=60))

    made()
    assert made() == 0
    send_letter(house)
    house.clock.forward(seconds=59)
    assert made() == 0
    house.clock.forward(seconds=1)
    assert made() == 1
    assert made() == 0


# --- what operators change -----------------------------------------------------------------------------


def test_every_change_of_a_party_is_told_in_its_log(house: TestInstallation) -> None:
    before = len(leaves(house, MUNICIPALITY))
    installation, system = house.installation, house.systems["leverandoer-esdh"].id
    own = house.systems["eksempelby-esdh"].id
    mandate = house.mandate("leverandoer-esdh", MUNICIPALITY)
    parties.set_routes(installation, MUNICIPALITY, (Route(system),))
    parties.change_party(installation, MUNICIPALITY, lambda party: party, "CONTACT_SET")
    house.clock.forward(seconds=1)
    parties.end_mandate(installation, MUNICIPALITY, mandate)
    parties.add_certificate(installation, own, house.pki.certificate("eksempelby-esdh-p256"))
    parties.end_certificate(installation, own, house.pki.certificate("eksempelby-esdh-p256").fingerprint)
    seal = house.pki.holders["eksempelby-kommune"]
    parties.add_seal_key(installation, MUNICIPALITY, seal.key_pem, seal.chain_pem)
    told = leaves(house, MUNICIPALITY)[before:]
    assert [(leaf.kind.value, leaf.details[0]) for leaf in told] == [
        ("CONFIG", "MANDATE_ADDED"),
        ("CONFIG", "ROUTES_SET"),
        ("CONFIG", "CONTACT_SET"),
        ("CONFIG", "MANDATE_ENDED"),
        ("CONFIG", "CERTIFICATE_ADDED"),
        ("CONFIG", "CERTIFICATE_ENDED"),
        ("KEY", "SEAL_KEY_ADDED"),
    ]
    assert f"system.{system}" in told[0].details
    assert "SendLetter" in told[0].details
    assert f"mandate.{mandate}" in told[3].details
    assert {leaf.visibility for leaf in told} == {Visibility.CONFIDENTIAL}
    assert all(leaf.actor is not None and leaf.actor.role == "OPERATOR" for leaf in told)


def test_a_vendors_new_certificate_is_told_to_every_party_it_acts_for(house: TestInstallation) -> None:
    house.mandate("leverandoer-esdh", MUNICIPALITY)
    house.mandate("leverandoer-esdh", INSTITUTION)
    with pytest.raises(InputError) as other:
        parties.add_certificate(
            house.installation,
            house.systems["leverandoer-esdh"].id,
            house.pki.certificate("eksempelby-esdh-p256"),
        )
    assert other.value.code is Code.CERTIFICATE_OF_ANOTHER
    fingerprint = house.pki.certificate("leverandoer-esdh").fingerprint
    parties.end_certificate(house.installation, house.systems["leverandoer-esdh"].id, fingerprint)
    for party in (MUNICIPALITY, INSTITUTION):
        assert leaves(house, party)[-1].details[0] == "CERTIFICATE_ENDED"
    assert leaves(house, OTHER_INSTITUTION)[-1].details[0] == "SYSTEM_ADDED"
