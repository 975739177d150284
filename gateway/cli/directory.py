"""Commands on who takes part: party, system, mandate, route. Each change is an entry in the party's log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.context import PartyArgument, SettingsFile, one_line, opened, party_id, read, uuid4
from gateway.crypto.certificates import Certificate
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.identifiers import PartyId, Uuid4
from gateway.domain.kinds import DocumentKind
from gateway.domain.mandate import Mandate, Operation
from gateway.domain.party import Contact, Party, Role, Route
from gateway.services import disclosure_log
from gateway.services import parties as workflows
from gateway.storage import mandates, parties, systems

party = typer.Typer(help="Municipalities and institutions.", no_args_is_help=True)
system = typer.Typer(help="Case systems and study administration systems.", no_args_is_help=True)
mandate = typer.Typer(help="What parties let systems do for them.", no_args_is_help=True)
route = typer.Typer(help="Which of a party's systems receive what.", no_args_is_help=True)

SystemArgument = Annotated[str, typer.Argument(help="A system's id, as `bropost system list` shows it.")]
Kinds = Annotated[list[DocumentKind], typer.Option("--kind", help="A kind of document; may be repeated.")]


@party.command("add")
def add_party(
    settings: SettingsFile,
    name: Annotated[str, typer.Argument(help="Its name, as recipients shall see it.")],
    who: PartyArgument,
    kind: Kinds = [],  # noqa: B006  typer reads the default, nobody changes it
) -> None:
    """Register a party that receives these kinds; without any, all that can reach it."""
    with opened(settings) as installation:
        identity = party_id(who)
        receives = _received(identity, kind) if kind else _receivable(identity)
        workflows.register_party(installation, Party(identity, name, receives))
        typer.echo(str(disclosure_log.log_key(installation, identity)))


@party.command("change")
def change_party(
    settings: SettingsFile,
    who: PartyArgument,
    kind: Kinds = [],  # noqa: B006  typer reads the default, nobody changes it
    all_kinds: Annotated[
        bool, typer.Option("--all-kinds", help="It receives all that can reach it.")
    ] = False,
    no_kinds: Annotated[bool, typer.Option("--no-kinds", help="It receives nothing any more.")] = False,
    cooperation: Annotated[
        bool | None,
        typer.Option(
            help="Its data protection officer decided in writing that rules of cooperation may carry."
        ),
    ] = None,
) -> None:
    """Change which kinds a party receives, in place of those before, or what the rules of cooperation carry for it.

    What was accepted before is delivered all the same.
    """
    if (bool(kind), all_kinds, no_kinds).count(True) > 1:
        raise InputError(Code.ARGUMENT_INVALID, what="--kind, --all-kinds and --no-kinds: give one of them")
    identity = party_id(who)
    receives = _received(identity, kind) if kind or no_kinds else _receivable(identity) if all_kinds else None
    told = [] if receives is None else ["RECEIVES_SET", *sorted(each.value for each in receives)]
    if cooperation is not None:
        told.append("COOPERATION_DECIDED" if cooperation else "COOPERATION_NOT_DECIDED")
    if not told:
        raise InputError(Code.ARGUMENT_INVALID, what="nothing to change")

    def change(known: Party) -> Party:
        return replace(
            known,
            receives=known.receives if receives is None else receives,
            cooperation_decided=known.cooperation_decided if cooperation is None else cooperation,
        )

    with opened(settings) as installation:
        changed = workflows.change_party(installation, identity, change, *told)
        typer.echo(" ".join(["receives    ", *sorted(each.value for each in changed.receives)]))
        typer.echo(f"cooperation  {'decided' if changed.cooperation_decided else 'not decided'}")


def _received(identity: PartyId, kinds: list[DocumentKind]) -> frozenset[DocumentKind]:
    """These kinds, if each can reach this sort of party. InputError ARGUMENT_INVALID otherwise."""
    for kind in kinds:
        if kind not in _receivable(identity):
            raise InputError(Code.ARGUMENT_INVALID, what=f"{kind.value} never goes to this sort of party")
    return frozenset(kinds)


def _receivable(identity: PartyId) -> frozenset[DocumentKind]:
    """The kinds that some sender may send to this sort of party."""
    end = "M" if identity.is_municipality else "I"
    return frozenset(
        kind for kind in DocumentKind if any(way.value.endswith(end) for way in kind.row.directions)
    )


@party.command("list")
def list_parties(settings: SettingsFile) -> None:
    """List the parties, one a line."""
    with opened(settings) as installation, installation.database.read() as connection:
        for each in parties.list_parties(connection):
            typer.echo(one_line(f"{each.id}  {each.name}"))


@party.command("contact")
def add_contact(
    settings: SettingsFile,
    who: PartyArgument,
    role: Annotated[Role, typer.Option(help="The role that is called.")],
    name: Annotated[str | None, typer.Option(help="Who has the role now.")] = None,
    unit: Annotated[str | None, typer.Option(help="The unit.")] = None,
    phone: Annotated[str | None, typer.Option(help="With country code, e.g. +4500000001.")] = None,
    email: Annotated[str | None, typer.Option(help="Work mail.")] = None,
) -> None:
    """Name the contact of a role at a party, in place of the one before."""
    with opened(settings) as installation:
        contact = Contact(role, name, unit, phone, email)
        workflows.change_party(
            installation, party_id(who), lambda party: party.with_contact(contact), "CONTACT_SET"
        )


@party.command("seal")
def add_seal(
    settings: SettingsFile,
    who: PartyArgument,
    key: Annotated[Path, typer.Option(help="PEM file of the party's content seal key.")],
    chain: Annotated[Path, typer.Option(help="PEM file of its certificates, leaf first.")],
) -> None:
    """Let the gateway seal for a party with the party's own key; a system that seals itself is better."""
    with opened(settings) as installation:
        workflows.add_seal_key(installation, party_id(who), read(key), read(chain))


@system.command("add")
def add_system(
    settings: SettingsFile,
    name: Annotated[str, typer.Argument(help="Its name, for people.")],
    certificate: Annotated[Path, typer.Option(help="PEM file of the certificate that signs its messages.")],
) -> None:
    """Register a system by its certificate, and print its id."""
    with opened(settings) as installation:
        added = workflows.register_system(installation, name, _leaf(certificate))
        typer.echo(added.id.text)


@system.command("certificate")
def add_certificate(
    settings: SettingsFile,
    which: SystemArgument,
    certificate: Annotated[Path, typer.Option(help="PEM file of the further certificate.")],
) -> None:
    """Let a system be known by one more certificate while it changes over."""
    with opened(settings) as installation:
        workflows.add_certificate(installation, uuid4(which), _leaf(certificate))


@system.command("certificates")
def list_certificates(settings: SettingsFile, which: SystemArgument) -> None:
    """List the certificates by which a system is known, one a line, also those that ended."""
    with opened(settings) as installation, installation.database.read() as connection:
        found = systems.find_system(connection, uuid4(which))
        if found is None:
            raise InputError(Code.NOT_FOUND)
        for each in found.certificates:
            end = each.valid_until.isoformat() if each.valid_until else "open"
            typer.echo(f"{each.fingerprint}  from {each.valid_from.isoformat()}  until {end}")


@system.command("end-certificate")
def end_certificate(
    settings: SettingsFile,
    which: SystemArgument,
    fingerprint: Annotated[str, typer.Argument(help="As `bropost system certificates` shows it.")],
) -> None:
    """Let a system no longer be known by a certificate, from now on and for ever."""
    with opened(settings) as installation:
        workflows.end_certificate(installation, uuid4(which), fingerprint)


@system.command("list")
def list_systems(settings: SettingsFile) -> None:
    """List the systems with their vendor's CVR number, one a line."""
    with opened(settings) as installation, installation.database.read() as connection:
        for each in systems.list_systems(connection):
            typer.echo(one_line(f"{each.id}  {each.vendor_cvr}  {each.name}"))


@mandate.command("add")
def add_mandate(
    settings: SettingsFile,
    who: PartyArgument,
    which: SystemArgument,
    approved_by: Annotated[str, typer.Option(help="Who approved it at the party.")],
    operation: Annotated[
        list[Operation],
        typer.Option("--operation", help="What the system may do; may be repeated; default: all."),
    ] = [],  # noqa: B006  typer reads the default, nobody changes it
    kind: Kinds = [],  # noqa: B006  as above
    until: Annotated[datetime | None, typer.Option(help="First moment it no longer holds, UTC.")] = None,
) -> None:
    """Let a system act for a party, and print the mandate's id."""
    start, end = datetime.now(UTC), until.replace(tzinfo=UTC) if until else None
    if end is not None and end <= start:
        raise InputError(Code.ARGUMENT_INVALID, what="--until lies in the past")
    given = Mandate(
        id=Uuid4.new(),
        system_id=uuid4(which),
        party_id=party_id(who),
        operations=frozenset(operation) or frozenset(Operation),
        kinds=frozenset(kind) or frozenset(DocumentKind),
        valid_from=start,
        valid_until=end,
        approved_by=approved_by,
    )
    with opened(settings) as installation:
        workflows.give_mandate(installation, given)
        typer.echo(given.id.text)


@mandate.command("end")
def end_mandate(
    settings: SettingsFile,
    who: PartyArgument,
    which: Annotated[str, typer.Argument(help="The mandate's id.")],
) -> None:
    """End a mandate now."""
    with opened(settings) as installation:
        workflows.end_mandate(installation, party_id(who), uuid4(which))


@mandate.command("list")
def list_mandates(settings: SettingsFile, who: PartyArgument) -> None:
    """List the mandates a party gave, also those that ended."""
    with opened(settings) as installation, installation.database.read() as connection:
        for each in mandates.mandates_of_party(connection, party_id(who)):
            end = each.valid_until.isoformat() if each.valid_until else "open"
            typer.echo(f"{each.id}  system {each.system_id}  from {each.valid_from.isoformat()}  until {end}")


@route.command("set")
def set_routes(
    settings: SettingsFile,
    who: PartyArgument,
    routes: Annotated[
        list[str] | None,
        typer.Argument(help="SYSTEM, SYSTEM:KIND, SYSTEM::ROLE or SYSTEM:KIND:ROLE; none clears."),
    ] = None,
) -> None:
    """Replace a party's routes; without any, every system of the party receives everything."""
    with opened(settings) as installation:
        workflows.set_routes(installation, party_id(who), tuple(_route(text) for text in routes or []))


def _route(text: str) -> Route:
    which, _, rest = text.partition(":")
    kind, _, role = rest.partition(":")
    try:
        return Route(uuid4(which), DocumentKind(kind) if kind else None, Role(role) if role else None)
    except ValueError as error:
        raise InputError(Code.ARGUMENT_INVALID, what=f"{text}: {error}") from error


def _leaf(path: Path) -> Certificate:
    """The first certificate of a PEM file."""
    return Certificate.all_from_pem(read(path))[0]
