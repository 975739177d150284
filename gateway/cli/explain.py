"""The command that tells an operator how it stands with one document, in Danish, without its content."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.context import SettingsFile, one_line, opened, operator, party_id, uuid4
from gateway.services.explaining import explain as explained
from gateway.views.life_story import story


def explain(
    settings: SettingsFile,
    document_id: Annotated[str, typer.Argument(metavar="DOCUMENT-ID", help="The document's id.")],
    party: Annotated[
        str | None, typer.Option(help="One of its parties, where two documents have this id.")
    ] = None,
) -> None:
    """Tell in Danish how it stands with a document: the next act and whose it is, what is wrong, waits, timeline.

    Nothing of its content is shown. The look is an entry in the log of each party that holds it.
    """
    with opened(settings) as installation:
        who = party_id(party) if party is not None else None
        life = explained(installation, uuid4(document_id), operator(), who)
        for line in story(life):
            typer.echo(one_line(line))
