"""What a case system and a study administration system do with the gateway, with zeep.

Usage: sample.py SETTINGS COMMAND ARGUMENT...

    ping
    send DOCUMENT [inline FILE...]   a letter or a notice, typed; the gateway seals it
    send-signed DOCUMENT             one that the system has sealed itself
    receive FOLDER                   everything that waits, stored in a folder
    read DOCUMENT-ID ROLE            a person with this role has opened it: never for a program to say
    verify DOCUMENT...               who sealed what was stored, and whether it is as it was sealed

SETTINGS is a file with a name and a value on each line: wsdl (the address of the service and "?wsdl"), port (in the
WSDL), key, chain, gateway (the gateway's message certificate), authority (whom TLS trusts) and seal.root (whom content
signatures trust), all PEM, cvr and unit of the party. The port decides which of the two services is asked.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree

from demo import content_signature
from demo.case_system import CaseSystem, Refused, Typed
from demo.message_signature import MessageSignature, UnsignedFault
from demo.parties import Party
from demo.transcript import Broken


def read_settings(file: Path) -> dict[str, str]:
    """Return the settings of a file."""
    return dict(line.split("=", 1) for line in file.read_text("utf-8").splitlines() if "=" in line)


def connect(values: Mapping[str, str]) -> CaseSystem:
    """Return a system connected to one of the two services, acting for one party."""
    unit_name = "MunicipalityCode" if values["port"].startswith("Municipality") else "InstitutionNumber"
    party = Party("", values["cvr"], values["unit"], unit_name)
    key, chain, gateway, authority = (Path(values[name]) for name in ("key", "chain", "gateway", "authority"))
    signature = MessageSignature(key, chain, gateway)
    address = values["wsdl"].removesuffix("?wsdl")
    return CaseSystem("sample", party, address, values["port"], signature, authority)


def ping(system: CaseSystem) -> None:
    """Try the connection."""
    answer = system.call("Ping", Echo="Er der hul igennem? Æ, ø og å.")
    tell("Echo", answer.Echo)
    tell("ClockSkewSeconds", answer.ClockSkewSeconds)


def send(system: CaseSystem, document: Path, files: Sequence[str]) -> None:
    """Send a typed document, here from a file; a case system fills in the fields."""
    read = etree.parse(document).getroot()
    attachments = [
        {"Number": number, "Content": Path(file).read_bytes()} for number, file in enumerate(files, 1)
    ]
    accepted(system.call(operation_for(read), Document=system.typed(read), Attachment=attachments))


def send_signed(system: CaseSystem, document: Path) -> None:
    """Send the exact octets that the system sealed."""
    operation = operation_for(etree.parse(document).getroot())
    accepted(system.call(operation, SignedDocument=document.read_bytes()))


def operation_for(document: etree._Element) -> str:
    """Return the operation that sends a document of this kind; both services have SendNotice."""
    return "SendLetter" if etree.QName(document[1]).localname.endswith("Letter") else "SendNotice"


def accepted(answer: Typed) -> None:
    """Tell of an acceptance, which is evidence to keep."""
    tell("DocumentId", answer.DocumentId)
    tell("State", answer.State)
    tell("SubmissionAcceptance", hashlib.sha256(answer.SubmissionAcceptance).hexdigest())


def receive(system: CaseSystem, folder: Path, seal_root: Path) -> bool:
    """Store and confirm everything that waits; True if all was. What does not verify holds up nothing behind it."""
    page = system.call("ListInbox")
    received = [try_to_receive(system, folder, seal_root, item.DocumentId) for item in page.Item]
    while page.More:
        page = system.call("ListInbox", Cursor=page.NextCursor)
        received += [try_to_receive(system, folder, seal_root, item.DocumentId) for item in page.Item]
    return all(received)


def try_to_receive(system: CaseSystem, folder: Path, seal_root: Path, document_id: str) -> bool:
    """Store and confirm one document, or say why not: then it waits on, and somebody must look into it."""
    tell("DocumentId", document_id)
    try:
        receive_one(system, folder, seal_root, document_id)
    except Broken as error:
        tell("NotAsSealed", error)
        return False
    except Refused as refused:  # for one, it was withdrawn since it was listed
        tell_refusal(refused)
        return False
    return True


def receive_one(system: CaseSystem, folder: Path, seal_root: Path, document_id: str) -> None:
    """Store one document and confirm it."""
    found = system.call("Retrieve", DocumentId=document_id)
    octets: bytes = found.ExactOctets
    contents = {each.Number: each.Content for each in found.Attachment}
    sealed = content_signature.verify_sender(octets, seal_root)
    sealed.require_asked(document_id, system.party.reference)
    sealed.require_attachments(contents)
    # Read `sealed` alone: found.Document, the typed view, is the gateway's word and no more.
    tell("SealedBy", sealed.sealer)
    tell("Sender", sealed.text("Header/Sender/Party/Name"))
    tell("Name", sealed.text("Header/Subject/Name"))
    tell("Digest", hashlib.sha256(octets).hexdigest())
    (folder / f"{document_id}.xml").write_bytes(octets)
    for number, content in contents.items():
        (folder / f"{document_id}-{number}").write_bytes(content)
        tell("Attachment", f"{number} {hashlib.sha256(content).hexdigest()}")
    digest = hashlib.sha256(octets).digest()
    confirmed = system.call("ConfirmHandover", DocumentId=document_id, ContentDigest=digest)  # it is on disk
    tell("Confirmed", confirmed.State)


def read(system: CaseSystem, document_id: str, role: str) -> None:
    """Tell the sender that a person with this role has opened a document."""
    now = datetime.now(UTC).replace(microsecond=0)
    answer = system.call("RegisterRead", DocumentId=document_id, ReaderRole=role, ReadAt=now)
    tell("Read", answer.State)


def verify(files: Sequence[str], seal_root: Path) -> None:
    """Judge stored documents anew."""
    broken = False
    for file in files:
        try:
            tell("SealedBy", content_signature.verify_sender(Path(file).read_bytes(), seal_root).sealer)
        except Broken as error:
            broken = True
            tell("NotAsSealed", error)
    if broken:
        raise SystemExit(1)


def tell(name: str, value: object) -> None:
    """Print one fact."""
    print(f"{name}: {value}")


def tell_refusal(refused: Refused) -> None:
    """Print what the gateway's fault says."""
    tell("Refused", refused.code)
    tell("Retryable", refused.text("Retryable"))
    tell("Danish", refused.danish)
    for violation in refused.violations:
        tell("Violation", f"{violation.path} {violation.code} {violation.danish}")


def main(arguments: Sequence[str]) -> None:
    """Do one command; a refusal was signed, and says what is wrong and where."""
    if len(arguments) < 2 or (arguments[1] != "ping" and len(arguments) < 3):
        raise SystemExit(__doc__)
    settings, command, *rest = arguments
    values = read_settings(Path(settings))
    seal_root = Path(values["seal.root"])
    if command == "verify":
        verify(rest, seal_root)
        return
    system = connect(values)
    try:
        match command:
            case "ping":
                ping(system)
            case "send":
                send(system, Path(rest[0]), rest[2:])
            case "send-signed":
                send_signed(system, Path(rest[0]))
            case "receive":
                if not receive(system, Path(rest[0]), seal_root):
                    raise SystemExit(1)
            case "read":
                read(system, *rest)
            case _:
                raise SystemExit(__doc__)
    except UnsignedFault as fault:  # nobody knows who says so
        tell("UnsignedCode", fault.code)
        tell("UnsignedCorrelationId", fault.correlation)
        tell("UnsignedDanish", fault.danish)
        raise SystemExit(1) from fault
    except Refused as refused:
        tell_refusal(refused)


if __name__ == "__main__":
    main(sys.argv[1:])
