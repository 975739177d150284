"""Mutants of good messages: recipes that can be written down, and what the gateway reads out of what comes of them."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from lxml import etree

from gateway.app import SERVICE_PATHS
from gateway.domain.errors import InputError, TrustError
from gateway.interfaces.http import HttpRequest
from gateway.protocol.service_requests import SendRequest, UnsealedDocument, read_request
from gateway.services.content import read_submitted
from gateway.xmlcore.namespaces import SERVICE
from tests.attacks.door import Door
from tests.attacks.pens import SYSTEM, addressed, by_hand, letter, mtom, posted, signed_letter, swa
from tests.messages import canonical
from tests.services.papers import sending

Step = tuple[str, int, int]
Splice = tuple[float, int, bytes]
HeaderSplice = tuple[str, float, int, bytes]

SEEDS: Final[Mapping[str, Callable[[Door], HttpRequest]]] = {
    "letter": letter,
    "addressed": addressed,
    "signed letter": signed_letter,
    "swa": swa,
    "mtom": mtom,
    "by hand": by_hand,
}


ACTION: Final = f'"{SERVICE}/SendLetter"'
_PART_HEADERS: Final = re.compile(rb"\r?\n?--[^\r\n<]+\r\n(?:[^\r\n]+\r\n)+\r\n")


@dataclass(frozen=True)
class Recipe:
    """How a mutant is made: the good message, steps on its tree, splices of its octets, then of its headers.

    `inside`: the steps are on the signed document that the message carries, which is then signed as it stands.
    `headers`: a splice of "content-type", of "soapaction", or of the headers of the "parts", all of them in a row.
    """

    seed: str
    steps: tuple[Step, ...] = ()
    splices: tuple[Splice, ...] = ()
    inside: bool = False
    headers: tuple[HeaderSplice, ...] = ()

    def __str__(self) -> str:
        splices = [
            [place, removed, base64.b64encode(added).decode()] for place, removed, added in self.splices
        ]
        headers = [
            [where, place, removed, base64.b64encode(added).decode()]
            for where, place, removed, added in self.headers
        ]
        told = {"seed": self.seed, "steps": self.steps, "splices": splices, "inside": self.inside}
        return json.dumps({**told, "headers": headers}, indent=2)

    @staticmethod
    def of(text: str) -> Recipe:
        """The recipe in the text of a file of the corpus."""
        told = json.loads(text)
        splices = tuple(
            (place, removed, base64.b64decode(added)) for place, removed, added in told["splices"]
        )
        headers = tuple(
            (where, place, removed, base64.b64decode(added))
            for where, place, removed, added in told.get("headers", ())
        )
        return Recipe(told["seed"], tuple(map(tuple, told["steps"])), splices, told["inside"], headers)


# --- making --------------------------------------------------------------------------------------------


def _move(nodes: list[etree._Element], i: int, j: int) -> None:
    """Move an element into another."""
    nodes[j].append(nodes[i])


def _copy(nodes: list[etree._Element], i: int, j: int) -> None:
    nodes[j].append(copy.deepcopy(nodes[i]))


def _copy_first(nodes: list[etree._Element], i: int, j: int) -> None:
    nodes[j].insert(0, copy.deepcopy(nodes[i]))


def _beside(nodes: list[etree._Element], i: int, j: int) -> None:
    if nodes[j].getparent() is not None:
        nodes[j].addnext(copy.deepcopy(nodes[i]))


def _remove(nodes: list[etree._Element], i: int, _j: int) -> None:
    parent = nodes[i].getparent()
    if parent is not None:
        parent.remove(nodes[i])


def _swap(nodes: list[etree._Element], i: int, j: int) -> None:
    nodes[i].text, nodes[j].text = nodes[j].text, nodes[i].text


def _rename(nodes: list[etree._Element], i: int, j: int) -> None:
    nodes[i].tag = nodes[j].tag


def _attribute(nodes: list[etree._Element], i: int, j: int) -> None:
    """Give an element the attributes of another, its id too."""
    nodes[i].attrib.update(nodes[j].attrib)


def _bare(nodes: list[etree._Element], i: int, _j: int) -> None:
    nodes[i].attrib.clear()


def _wrap(nodes: list[etree._Element], i: int, j: int) -> None:
    """Put an element into a new one of another's name."""
    parent = nodes[i].getparent()
    if parent is not None:
        outer = etree.Element(nodes[j].tag)
        parent.replace(nodes[i], outer)
        outer.append(nodes[i])


def _comment(nodes: list[etree._Element], i: int, j: int) -> None:
    nodes[i].insert(j % (len(nodes[i]) + 1), etree.Comment("x"))


STEPS: Final = {
    step.__name__.lstrip("_"): step
    for step in (
        _move, _copy, _copy_first, _beside, _remove, _swap, _rename, _attribute, _bare, _wrap, _comment
    )
}  # fmt: skip


def mutant(good: HttpRequest, recipe: Recipe, door: Door) -> HttpRequest | None:
    """The mutant of a good message, or None where a step is not possible."""
    body = good.body
    try:
        if recipe.inside:
            body = _inside(good, recipe.steps, door)
        elif recipe.steps:
            start, end = body.index(b"<soap:Envelope"), body.index(b"</soap:Envelope>") + 16
            body = body[:start] + _stepped(body[start:end], recipe.steps) + body[end:]
    except ValueError:  # an element into itself
        return None
    for place, removed, added in recipe.splices:
        at = int(place * len(body))
        body = body[:at] + added + body[at + removed :]
    request = replace(good, body=body)
    for splice in recipe.headers:
        request = _with_header(request, splice)
    return request


def _with_header(request: HttpRequest, splice: HeaderSplice) -> HttpRequest:
    """The request with octets put into a header, of the message or of its parts, in the place of some."""
    where, place, removed, added = splice
    if where != "parts":
        text = request.headers.get(where, ACTION).encode("latin-1")
        at = int(place * (len(text) + 1))
        spliced = (text[:at] + added + text[at + removed :]).decode("latin-1")
        return replace(request, headers={**request.headers, where: spliced})
    heads = [found.span() for found in _PART_HEADERS.finditer(request.body)]
    at = int(place * sum(end - start for start, end in heads))
    for start, end in heads:
        if at < end - start:
            at += start
            return replace(request, body=request.body[:at] + added + request.body[at + removed :])
        at -= end - start
    return request  # it has no parts


def _inside(good: HttpRequest, steps: tuple[Step, ...], door: Door) -> bytes:
    root = etree.fromstring(good.body)
    (carried,) = root.iter("{*}SignedDocument")
    document = _stepped(base64.b64decode(carried.text or ""), steps)
    return posted(door, sending(document), key=SYSTEM).body


def _stepped(octets: bytes, steps: tuple[Step, ...]) -> bytes:
    root = etree.fromstring(octets)
    for name, i, j in steps:
        nodes = list(root.iter("*"))
        STEPS[name](nodes, i % len(nodes), j % len(nodes))
    return etree.tostring(root)


# --- reading -------------------------------------------------------------------------------------------


def read(door: Door, request: HttpRequest) -> dict[str, Any] | None:
    """Everything that business code may see of a message; None if it is refused, by an error that blames the client."""
    service = next(each for each, path in SERVICE_PATHS.items() if path == request.path)
    try:
        verified = door.endpoint(request.path)._verified(request)
        asked = read_request(verified, service)
        assert isinstance(asked, SendRequest)
        submitted = read_submitted(door.house.installation, asked, door.house.clock())
    except (InputError, TrustError):
        return None
    return {
        "operation": asked.operation,
        "party": asked.on_behalf_of,
        "content": canonical(submitted.signed.root if submitted.signed else _element(asked)),
        "digest": submitted.digest(),
        "octets": submitted.signed.octets if submitted.signed else None,
        "signer": submitted.signer,
        "attachments": [(each.number, bytes(each.content), each.sha256) for each in asked.attachments],
        "overrides": asked.overrides,
        "addressing": (verified.message_id, verified.to),
        "times": (verified.created, verified.expires),
        "system": verified.certificate.certificate.fingerprint,
    }


def _element(asked: SendRequest) -> etree._Element:
    assert isinstance(asked.content, UnsealedDocument)
    return asked.content.element
