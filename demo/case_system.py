"""A case system as a vendor would build it: zeep for SOAP, with the message signature of `message_signature.py`.

Nothing here comes from the gateway's code; what it proves, it proves from the outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import requests
import zeep
from lxml import etree

from demo.message_signature import MessageSignature
from demo.parties import Party

SERVICE = "urn:dk:bropost:service:1"
DOCUMENT = "urn:dk:bropost:document:1"

Typed: TypeAlias = Any
"""What zeep makes of XML and takes for it: values named as in the schema, typed only while the program runs."""


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with a document, and where."""

    path: str
    line: str
    code: str
    danish: str
    english: str


class Refused(Exception):
    """The gateway refused a request, with a signed fault that says why."""

    def __init__(self, code: str, danish: str, english: str, detail: etree._Element | None) -> None:
        super().__init__(code)
        self.code = code
        self.danish = danish
        self.english = english
        self.detail = detail

    def __str__(self) -> str:
        places = "".join(f"\n  {each.path}: {each.english}" for each in self.violations)
        return f"{self.code}: {self.english}{places}"

    @property
    def violations(self) -> list[Violation]:
        """What is wrong with the document, in the order of the document."""
        found = [] if self.detail is None else self.detail.findall(_name("Violation"))
        return [Violation(*(_text(each, name) for name in _VIOLATION)) for each in found]

    def text(self, name: str) -> str:
        """The text of another element of the fault, "" if it has none."""
        return "" if self.detail is None else _text(self.detail, name)


_VIOLATION = ("Path", "Line", "Code", "Danish", "English")


class CaseSystem:
    """One case system, connected to one service of the gateway, acting for one party.

    `address` is that of the service, `port` the name of one in its WSDL; the files are PEM; `authorities` is what
    its TLS trusts.
    """

    def __init__(
        self, name: str, party: Party, address: str, port: str, signature: MessageSignature, authorities: Path
    ) -> None:
        self.name = name
        self.party = party
        self.signature = signature
        session = requests.Session()
        session.verify = str(authorities)
        session.trust_env = False
        self._client = zeep.Client(
            f"{address}?wsdl",
            port_name=port,
            wsse=signature,
            transport=zeep.Transport(session=session, timeout=30, operation_timeout=60),
            settings=zeep.Settings(strict=True, xml_huge_tree=False),
        )

    def call(self, operation: str, *, on_behalf_of: Party | None = None, **arguments: Typed) -> Typed:
        """Call an operation for the system's party, and return the answer.

        The answer is checked to be signed by the gateway and to answer this very request. Raises Refused with what
        the gateway's fault says, ValueError if the answer cannot be trusted.
        """
        party = on_behalf_of or self.party
        try:
            answer = self._client.service[operation](OnBehalfOf=dict(party.reference), **arguments)
        except zeep.exceptions.Fault as fault:
            raise self._refused(fault) from fault
        self.signature.require_answer_to_last_request(answer.Answer.RequestDigest)
        return answer

    def typed(self, document: etree._Element) -> Typed:
        """Return a document as the values of zeep's types, as a vendor's own code would fill them in."""
        element = self._client.get_element(f"{{{DOCUMENT}}}Document")
        return element.parse(document, self._client.wsdl.types)

    def _refused(self, fault: zeep.exceptions.Fault) -> Refused:
        """Read the typed detail of a fault; SOAP 1.1 and 1.2 hold it in elements of different names."""
        found = [] if fault.detail is None else fault.detail.findall(_name("BropostFault"))
        if len(found) != 1:
            return Refused(str(fault.code), "", str(fault.message), None)
        detail = found[0]
        self.signature.require_answer_to_last_request(_text(detail, "RequestDigest"))
        return Refused(_text(detail, "Code"), _text(detail, "Danish"), _text(detail, "English"), detail)


def party_of(reference: Typed) -> Mapping[str, str]:
    """Return the party that an answer names, with the elements that are there."""
    names = ("Cvr", "MunicipalityCode", "InstitutionNumber")
    return {name: reference[name] for name in names if reference[name] is not None}


def _name(name: str) -> str:
    return f"{{{SERVICE}}}{name}"


def _text(parent: etree._Element, name: str) -> str:
    return parent.findtext(_name(name)) or ""
