"""What a case system and a study administration system do with the gateway, with zeep.

Usage: sample.py SETTINGS COMMAND ARGUMENT...

    ping
    send DOCUMENT [inline FILE...]   a letter or a notice, typed; the gateway seals it
    send-signed DOCUMENT             one that the system has sealed itself
    receive FOLDER                   everything that waits, stored in a folder
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


def receive(system: CaseSystem, folder: Path, seal_root: Path) -> None:
    """Store everything that waits, confirm it, and tell that a person has read it."""
    page = system.call("ListInbox")
    receive_page(system, folder, seal_root, page)
    while page.More:
        page = system.call("ListInbox", Cursor=page.NextCursor)
        receive_page(system, folder, seal_root, page)


def receive_page(system: CaseSystem, folder: Path, seal_root: Path, page: Typed) -> None:
    """Do so for what one page of the list names."""
    for item in page.Item:
        found = system.call("Retrieve", DocumentId=item.DocumentId)
        octets: bytes = found.ExactOctets
        sealed_by = content_signature.verify_sender(octets, seal_root)
        (folder / f"{item.DocumentId}.xml").write_bytes(octets)
        tell("DocumentId", item.DocumentId)
        tell("SealedBy", sealed_by)
        tell("Name", found.Document.Header.Subject.Name)  # the typed view
        tell("Digest", hashlib.sha256(octets).hexdigest())
        for attachment in found.Attachment:
            require_listed(found.Document, attachment)
            (folder / f"{item.DocumentId}-{attachment.Number}").write_bytes(attachment.Content)
            tell("Attachment", f"{attachment.Number} {hashlib.sha256(attachment.Content).hexdigest()}")
        confirmed = system.call(
            "ConfirmHandover", DocumentId=item.DocumentId, ContentDigest=hashlib.sha256(octets).digest()
        )
        tell("Confirmed", confirmed.State)
        read = system.call(
            "RegisterRead",
            DocumentId=item.DocumentId,
            ReaderRole="ORDER_CASEWORKER"
            if system.party.unit_name == "MunicipalityCode"
            else "STUDY_COUNSELLOR",
            ReadAt=datetime.now(UTC).replace(microsecond=0),
        )
        tell("Read", read.State)


def verify(files: Sequence[str], seal_root: Path) -> None:
    """Judge stored documents anew."""
    broken = False
    for file in files:
        try:
            tell("SealedBy", content_signature.verify_sender(Path(file).read_bytes(), seal_root))
        except Broken as error:
            broken = True
            tell("NotAsSealed", error)
    if broken:
        raise SystemExit(1)


def require_listed(document: Typed, attachment: Typed) -> None:
    """Refuse an attachment that is not the one that its document lists."""
    listed = {each.Number: each.Sha256 for each in document.Attachments.Attachment}
    if listed.get(attachment.Number) != hashlib.sha256(attachment.Content).digest():
        raise ValueError(f"attachment {attachment.Number} is another one")


def tell(name: str, value: object) -> None:
    """Print one fact."""
    print(f"{name}: {value}")


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
                receive(system, Path(rest[0]), seal_root)
            case _:
                raise SystemExit(__doc__)
    except UnsignedFault as fault:  # nobody knows who says so
        tell("UnsignedCode", fault.code)
        tell("UnsignedCorrelationId", fault.correlation)
        tell("UnsignedDanish", fault.danish)
        raise SystemExit(1) from fault
    except Refused as refused:
        tell("Refused", refused.code)
        tell("Retryable", refused.text("Retryable"))
        tell("Danish", refused.danish)
        for violation in refused.violations:
            tell("Violation", f"{violation.path} {violation.code} {violation.danish}")


if __name__ == "__main__":
    main(sys.argv[1:])
