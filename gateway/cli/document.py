"""Commands on documents: one shown to a person, on the terminal or as a page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gateway.cli.context import opened, operator, party_id, read, uuid4, written
from gateway.domain.annotation import Certainty
from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError
from gateway.domain.minimum import MinimumFinding, Presence, judge_minimum
from gateway.services.installation import Installation
from gateway.services.viewing import Viewed, view_file, view_stored
from gateway.views.page import html_page
from gateway.views.readable import Block, Entry, View, readable
from gateway.views.signature import Seal
from gateway.xmlcore.statutory import statutory_minimum

application = typer.Typer(help="Documents.", no_args_is_help=True)

_LABEL_WIDTH = 30  # columns; longer labels are broken
_PRESENCE = {
    Presence.PRESENT: "ja",
    Presence.MISSING: "MANGLER",
    Presence.NOT_ASKED: "kræves ikke her",
    Presence.UNKNOWN: "kan ikke afgøres her",
}
_CERTAINTY = {
    Certainty.SOURCE: "læst i kilden",
    Certainty.KNOWLEDGE: "ikke bekræftet",
    Certainty.DEDUCTION: "egen slutning",
}


@application.callback()
def group() -> None:
    """Keep the group a group while it has one command."""


@application.command("show")
def show(
    file: Annotated[Path | None, typer.Argument(help="A document as XML, signed or not.")] = None,
    settings: Annotated[
        Path | None,
        typer.Option(envvar="BROPOST_SETTINGS", help="The settings file; without it no signature is judged."),
    ] = None,
    document_id: Annotated[
        str | None, typer.Option(help="The id of a document in the store, instead of a file.")
    ] = None,
    party: Annotated[
        str | None,
        typer.Option(help="For which party, e.g. 11111111-0999; the look is an entry in its log."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page to this file instead of the terminal.")
    ] = None,
) -> None:
    """Show a document in plain Danish, whether its signature holds, and what the law asks for in it.

    Exit 1 if its signature does not hold. Business rules are not asked.
    """
    if (file is None) == (document_id is None):
        raise InputError(Code.ARGUMENT_INVALID, what="give a file or --document-id")
    if (party is None) != (document_id is None):
        raise InputError(Code.ARGUMENT_INVALID, what="--document-id and --party belong together")
    with opened(settings) if settings else nullcontext() as installation:
        if document_id is not None and party is not None:
            if installation is None:
                raise InputError(Code.ARGUMENT_INVALID, what="--document-id needs --settings")
            viewed = view_stored(installation, party_id(party), uuid4(document_id), operator())
        else:
            assert file is not None
            viewed = view_file(read(file), installation)
        view = _view(viewed, installation)
    _tell(viewed, view, html)
    raise typer.Exit(1 if viewed.verdict.seal is Seal.BROKEN else 0)


def _view(viewed: Viewed, installation: Installation | None) -> View:
    """The document to be read; before all else what its reader must know of it."""
    view = readable(viewed.document, installation.knowledge.municipalities if installation else None)
    return replace(view, notices=(*viewed.notices, *view.notices))


def _tell(viewed: Viewed, view: View, page: Path | None) -> None:
    """Write the page or the document, and then, always on the terminal, what is to be said of it."""
    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    if page is None:
        for part in _document(view):
            console.print(part)
    else:
        with written(page) as file:
            file.write(html_page(view, (viewed.verdict.danish,)))
        console.print(Text(str(page)))
    for part in _report(viewed):
        console.print(part)


def _document(view: View) -> Iterator[RenderableType]:
    yield Text(view.heading.upper(), style="bold")
    for notice in view.notices:
        yield Text(f"\n! {notice}\n", style="bold")
    yield _table(view.letterhead)
    for section in view.sections:
        yield from _block(section, 0)


def _block(block: Block, depth: int) -> Iterator[RenderableType]:
    yield Padding(Text(f"\n{block.heading}", style="bold"), (0, 0, 0, 2 * depth))
    if block.entries:
        yield Padding(_table(block.entries), (0, 0, 0, 2 * depth))
    for inner in block.blocks:
        yield from _block(inner, depth + 1)


def _table(entries: tuple[Entry, ...]) -> Table:
    """Labels beside values; what a detail says follows its value."""
    table = Table.grid(padding=(0, 2))
    table.add_column(width=_LABEL_WIDTH, overflow="fold")
    table.add_column(overflow="fold")
    for entry in entries:
        label = entry.label
        for value in entry.values:
            text = Text(value.text)
            if value.detail:
                text.append(f"\n{value.detail}", style="dim")
            table.add_row(Text(label), text)
            label = ""
    return table


def _report(viewed: Viewed) -> Iterator[RenderableType]:
    """What is said of the document: its signature, and the statutory minimum of its kind."""
    yield Text("\nSignatur", style="bold")
    yield Text(viewed.verdict.danish)
    yield Text("\nLovpligtigt minimum", style="bold")
    findings = judge_minimum(viewed.document, statutory_minimum(viewed.document.kind))
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        table.add_row(*(Text(cell) for cell in _minimum(finding)))
    yield table
    missing = sum(finding.presence is Presence.MISSING for finding in findings)
    unknown = sum(finding.presence is Presence.UNKNOWN for finding in findings)
    yield Text(f"{missing} mangler; {unknown} kan ikke afgøres af dokumentet alene.")


def _minimum(finding: MinimumFinding) -> tuple[str, ...]:
    element = finding.element
    asked = f"{element.when.danish} ({_CERTAINTY[element.annotation.certainty]})"
    return element.danish, _PRESENCE[finding.presence], asked
