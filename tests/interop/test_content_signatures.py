"""The samples judge the content signature of what they retrieved, and say no to what is not as its sender sealed it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import xmlsec
from lxml import etree

from demo import content_signature, documents, parties
from tests.interop.conftest import ELLIPTIC, STRANGER, Gateway
from tests.interop.exchange import SEALERS, id_of, letter, notice, received
from tests.interop.stacks import Stack

StackOf = Callable[[str], Stack]

ENDED = "bad-expired"  # the municipality's own, until five days ago
FOREIGN = "proevelund-kommune"  # trusted, but another organisation
each_stack = pytest.mark.parametrize("name", ["zeep", "cxf", "node", "dotnet"])


def sealed_by(holder: str, document: etree._Element, gateway: Gateway) -> bytes:
    """The document with a content signature of this holder."""
    house = gateway.installation
    return content_signature.seal(document, house.key(holder), house.chain(holder))


def sealed_at(at: datetime, holder: str, gateway: Gateway, *, written: datetime | None = None) -> bytes:
    """A letter that this holder says to have sealed then, and to have written then or when it is said."""
    document, house = letter(), gateway.installation
    documents.set_text(document, "Header/CreatedAt", f"{written or at:%Y-%m-%dT%H:%M:%SZ}")
    return content_signature.seal(document, house.key(holder), house.chain(holder), at)


def knowing(settings: Path, seals: Path, *chains: Path) -> Path:
    """Settings of a system that knows these certificates of senders, for the sample that judges no authority."""
    seals.mkdir()
    for chain in chains:
        (seals / chain.name).write_bytes(chain.read_bytes())
    lines = [line for line in settings.read_text("utf-8").splitlines() if not line.startswith("seal.known=")]
    file = seals.with_suffix(".properties")
    file.write_text("\n".join([*lines, f"seal.known={seals}"]), "utf-8")
    return file


def moved(octets: bytes) -> bytes:
    """What was signed, one level down, below another document that nobody signed."""
    inner = etree.fromstring(octets)
    outer = etree.fromstring(octets)
    documents.set_text(outer, "Header/Subject/Name", "Alma Eksempel")
    inner.remove(inner[-1])
    etree.SubElement(outer[-1], f"{{{content_signature.DS}}}Object").append(inner)
    return etree.tostring(outer)


def of_a_part(octets: bytes, gateway: Gateway) -> bytes:
    """The document with a signature of its true sender that covers the signed properties alone, twice."""
    root = etree.fromstring(octets)
    signature = root[-1]
    (properties,) = signature.iter(f"{{{content_signature.XADES}}}SignedProperties")
    whole = next(signature.iter(f"{{{content_signature.DS}}}Reference"))
    whole.set("URI", f"#{properties.get('Id')}")
    whole[0].remove(whole[0][0])  # the transform for the enveloped signature
    documents.set_text(root, "Header/Subject/Name", "Alma Eksempel")
    context = xmlsec.SignatureContext()
    key = gateway.installation.key(parties.MUNICIPALITY_SEAL)
    context.key = xmlsec.Key.from_file(str(key), xmlsec.constants.KeyDataFormatPem)
    context.register_id(properties, "Id")
    context.sign(signature)
    return etree.tostring(root)


def stored(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    """Files with these contents."""
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


@each_stack
@pytest.mark.parametrize("service", ["municipality", "institution"])
def test_a_document_of_either_service_is_known_by_its_sender(
    name: str, service: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, is_letter = stack_of(name), service == "institution"
    document = letter() if is_letter else notice()
    sender = gateway.stage.municipality if is_letter else gateway.stage.school
    sender.call("SendLetter" if is_letter else "SendNotice", Document=sender.typed(document))
    received(stack, gateway, "Soap12", service)

    file = gateway.folder / f"{id_of(document)}.xml"
    told = stack.run(gateway.settings(service, "Soap12"), "verify", file)

    assert told["SealedBy"] == SEALERS[parties.MUNICIPALITY_SEAL if is_letter else parties.SCHOOL_SEAL]


@pytest.mark.parametrize("name", ["zeep", "cxf", "node"])  # Mono has no elliptic keys
def test_a_document_that_a_p256_key_sealed_is_known_by_its_sender(
    name: str, gateway: Gateway, stack_of: StackOf, tmp_path: Path
) -> None:
    (file,) = stored(tmp_path, {"letter": sealed_by(ELLIPTIC, letter(), gateway)})

    told = stack_of(name).run(gateway.settings("institution", "Soap12"), "verify", file)

    assert told["SealedBy"] == "Eksempelby ESDH P-256"


@each_stack
def test_a_document_that_is_not_as_its_sender_sealed_it_is_refused(
    name: str, gateway: Gateway, stack_of: StackOf, tmp_path: Path
) -> None:
    stack, sent = stack_of(name), letter()
    gateway.stage.municipality.call("SendLetter", Document=gateway.stage.municipality.typed(sent))
    received(stack, gateway, "Soap11")
    octets = (gateway.folder / f"{id_of(sent)}.xml").read_bytes()
    unsigned = etree.fromstring(octets)
    unsigned.remove(unsigned[-1])
    files = stored(
        tmp_path,
        {
            "one-octet": octets.replace(b">Alma ", b">Alme ", 1),
            "wrapped": moved(octets),
            "part": of_a_part(octets, gateway),
            "foreign": sealed_by(FOREIGN, unsigned, gateway),
            "untrusted": sealed_by(STRANGER, unsigned, gateway),
            "unsigned": etree.tostring(unsigned),
        },
    )

    told = stack.run(gateway.settings("institution", "Soap11"), "verify", *files, status=1)

    assert [fact for fact, _ in told.facts] == ["NotAsSealed"] * len(files)


@each_stack
def test_a_certificate_is_judged_at_the_time_at_which_it_sealed(
    name: str, gateway: Gateway, stack_of: StackOf, tmp_path: Path
) -> None:
    stack, house, now = stack_of(name), gateway.installation, datetime.now(UTC)
    settings = knowing(
        gateway.settings("institution", "Soap11"),
        tmp_path / "seals",
        house.chain(ENDED),
        house.chain(parties.MUNICIPALITY_SEAL),
    )
    (before_its_end,) = stored(
        tmp_path, {"before-its-end": sealed_at(now - timedelta(days=10), ENDED, gateway)}
    )
    own = parties.MUNICIPALITY_SEAL
    impossible = {
        "after-its-end": sealed_at(now - timedelta(days=1), ENDED, gateway),
        "in-the-future": sealed_at(now + timedelta(hours=1), own, gateway),
        "before-it-was-written": sealed_at(now - timedelta(days=3), own, gateway, written=now),
    }

    told = stack.run(settings, "verify", before_its_end)
    refused = stack.run(settings, "verify", *stored(tmp_path, impossible), status=1)

    assert told["SealedBy"] == SEALERS[parties.MUNICIPALITY_SEAL]
    reasons = [text for fact, text in refused.facts if fact == "NotAsSealed"]
    assert len(reasons) == len(refused.facts) == len(impossible)
    for reason, word in zip(reasons, ("certificate", "future", "before"), strict=True):
        assert word in reason
