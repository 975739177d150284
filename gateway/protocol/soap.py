"""SOAP 1.1 and 1.2 envelopes: taken apart exactly, and built. What `unpack` gives is untrusted until wss verifies it.

One shape is accepted: Envelope = [Header?, Body] with one element in Body, so that nothing can hide beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError, TrustError
from gateway.protocol.content_type import ContentType
from gateway.protocol.mime import MESSAGE_LIMITS, RELATED, XOP, MessageLimits, Part, split
from gateway.xmlcore.namespaces import SOAP_11, SOAP_12, WSA, WSSE, WSU, XML, tag
from gateway.xmlcore.parse import Limits, parse

SECURITY: Final = tag(WSSE, "Security")
ADDRESSING_ONCE: Final = frozenset({"Action", "MessageID", "To", "From", "ReplyTo", "FaultTo"})
ANONYMOUS: Final = f"{WSA}/anonymous"
_MESSAGE_ID = re.compile(r"[!-~]{1,255}")
_ANSWERABLE = frozenset({ANONYMOUS, f"{WSA}/none"})
_ADDRESS = re.compile(
    r"([a-z]+)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]*))?(/[!-~]*)?", re.ASCII | re.IGNORECASE
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


class SoapVersion(Enum):
    """The two versions of SOAP; the value is the namespace of the envelope."""

    SOAP_11 = SOAP_11
    SOAP_12 = SOAP_12

    @property
    def media_type(self) -> str:
        """The media type of an envelope of this version, without parameters."""
        return "text/xml" if self is SoapVersion.SOAP_11 else "application/soap+xml"

    @property
    def content_type(self) -> str:
        """The Content-Type header of an answer."""
        return f"{self.media_type}; charset=utf-8"

    def tag(self, local_name: str) -> str:
        """The name of an element of this version, as lxml writes it."""
        return tag(self.value, local_name)


class FaultCode(Enum):
    """Who a fault blames. The value is (SOAP 1.1 name, SOAP 1.2 name)."""

    CLIENT = ("Client", "Sender")
    SERVER = ("Server", "Receiver")
    MUST_UNDERSTAND = ("MustUnderstand", "MustUnderstand")
    VERSION_MISMATCH = ("VersionMismatch", "VersionMismatch")


@dataclass(frozen=True)
class Unpacked:
    """A SOAP message taken apart. Nothing in it is trusted: business code reads `wss.Verified` only."""

    version: SoapVersion
    envelope: etree._Element
    header: etree._Element | None
    security: etree._Element | None  # the one wsse:Security header
    addressing: tuple[etree._Element, ...]  # every WS-Addressing header, in document order
    body: etree._Element
    payload: etree._Element  # the one element in Body
    actions: tuple[str, ...]  # what SOAPAction or an action parameter says, if anything
    is_mtom: bool  # the signature is over the document with what it includes inline
    parts: Mapping[str, Part]  # by Content-ID, without the root part
    octets: bytes  # the envelope as received

    def addressing_value(self, local_name: str) -> str | None:
        """The text of the WS-Addressing header of this name, or None."""
        for element in self.addressing:
            if element.tag == tag(WSA, local_name):
                return (element.text or "").strip()
        return None


def unpack(
    content_type: str, soap_action: str | None, body: bytes, limits: MessageLimits = MESSAGE_LIMITS
) -> Unpacked:
    """Take a SOAP message apart: plain, with MTOM, or with SwA attachments.

    `content_type` and `soap_action` are the HTTP headers as received; a SOAPAction may be quoted, empty or missing.
    InputError HTTP_CONTENT_TYPE, MIME_*, XML_*, SOAP_MALFORMED, SOAP_VERSION or SOAP_MUST_UNDERSTAND.
    """
    outer = ContentType.parse(content_type)
    is_mtom = False
    root_type, octets, parts = outer, body, MappingProxyType[str, Part]({})
    if outer.media_type == RELATED:
        multipart = split(content_type, body, limits)
        root_type, octets = multipart.root.content_type, bytes(multipart.root.content)
        parts = MappingProxyType(dict(multipart.parts))
        if is_mtom := root_type.media_type == XOP:
            if not root_type.is_utf8:
                raise InputError(Code.XML_ENCODING)
            # XOP §4.1: the type parameter of the root says what it would be without XOP.
            start_info = outer.parameters.get("start-info", "")
            root_type = ContentType.parse(root_type.parameters.get("type", start_info))
    version = _version(root_type)
    envelope = parse(octets, Limits(octets=limits.root_octets))
    header, body_element = _shape(envelope, version)
    security, addressing = _header_blocks(header, version)
    actions = (soap_action, outer.parameters.get("action"), root_type.parameters.get("action"))
    return Unpacked(
        version=version,
        envelope=envelope,
        header=header,
        security=security,
        addressing=addressing,
        body=body_element,
        payload=_only_payload(body_element),
        actions=tuple(text for action in actions if action and (text := action.strip(' \t"'))),
        is_mtom=is_mtom,
        parts=parts,
        octets=octets,
    )


def check_action(unpacked: Unpacked) -> str:
    """Return the operation that the Body names; every action given beside it must name the same.

    The last segment of SOAPAction, of the action parameter and of wsa:Action must be the Body element's name, or that
    with "Request", which is how actions are formed where the WSDL states none (WS-Addressing Metadata §4.4.4).
    InputError SOAP_ACTION_MISMATCH. Trust the answer only after wss has verified the message.
    """
    operation = etree.QName(unpacked.payload).localname
    addressed = unpacked.addressing_value("Action")
    for action in (*unpacked.actions, *((addressed,) if addressed is not None else ())):
        segment = action.replace(":", "/").replace("#", "/").rpartition("/")[2]
        if segment not in (operation, f"{operation}Request"):
            raise InputError(Code.SOAP_ACTION_MISMATCH)
    return operation


def is_addressed_to(address: str, to: str | None) -> bool:
    """Return whether a message with the wsa:To `to` is meant for the service at `address`: it names it, or nobody.

    Scheme and host are compared without case, a default port may be left out (RFC 3986 §6.2.2.1, §6.2.3); everything
    else must be equal octet for octet.
    """
    if to is None or to in (ANONYMOUS, address):
        return True
    named = _comparable(to)
    return named is not None and named == _comparable(address)


def envelope(
    version: SoapVersion, body_element: etree._Element, headers: Sequence[etree._Element] = ()
) -> etree._Element:
    """Return an envelope around `body_element`, with `headers` before it. It takes the elements, it does not copy."""
    root = etree.Element(version.tag("Envelope"), nsmap={"soap": version.value, "wsu": WSU})
    header = etree.SubElement(root, version.tag("Header"))
    header.extend(headers)
    etree.SubElement(root, version.tag("Body")).append(body_element)
    return root


def answer_addressing(action: str, relates_to: str, message_id: str) -> tuple[etree._Element, ...]:
    """Return the WS-Addressing headers of an answer to a request that carried wsa:MessageID `relates_to`."""
    # WS-Addressing 1.0 Core §3.4
    values = {"Action": action, "MessageID": message_id, "RelatesTo": relates_to, "To": ANONYMOUS}
    return tuple(_text(tag(WSA, name), value, {"wsa": WSA}) for name, value in values.items())


def fault(
    version: SoapVersion, code: FaultCode, english: str, danish: str, detail: etree._Element | None = None
) -> etree._Element:
    """Return a soap:Fault for the Body. SOAP 1.1 has room for one language: there the Danish words are in `detail`."""
    element = etree.Element(version.tag("Fault"), nsmap={"soap": version.value})
    if version is SoapVersion.SOAP_11:
        element.append(_text("faultcode", f"soap:{code.value[0]}"))
        element.append(_text("faultstring", english))
    else:
        _append(element, version, "Code").append(_text(version.tag("Value"), f"soap:{code.value[1]}"))
        reason = _append(element, version, "Reason")
        for language, words in (("en", english), ("da", danish)):
            text = _text(version.tag("Text"), words)
            text.set(tag(XML, "lang"), language)
            reason.append(text)
    if detail is not None:
        name = "detail" if version is SoapVersion.SOAP_11 else version.tag("Detail")
        etree.SubElement(element, name).append(detail)
    return element


def fault_code(error: BropostError) -> FaultCode:
    """Return whom SOAP blames for this error; only what we, or something we need, failed at is the server's."""
    if error.code is Code.SOAP_MUST_UNDERSTAND:
        return FaultCode.MUST_UNDERSTAND
    if error.code is Code.SOAP_VERSION:
        return FaultCode.VERSION_MISMATCH
    return FaultCode.CLIENT if isinstance(error, InputError | TrustError) else FaultCode.SERVER


def elements(parent: etree._Element) -> list[etree._Element]:
    """Return the child elements of an envelope element, which may hold white space and comments but no text.

    InputError SOAP_MALFORMED if it holds anything else.
    """
    found: list[etree._Element] = []
    stray = parent.text or ""
    for child in parent:
        stray += child.tail or ""
        if isinstance(child.tag, str):
            found.append(child)
        elif not isinstance(child, etree._Comment):
            raise _malformed("a node that is no element")
    if stray.strip(" \t\r\n"):
        raise _malformed("text between elements")
    return found


def _version(root_type: ContentType) -> SoapVersion:
    """Return the version that the media type of the envelope announces."""
    if not root_type.is_utf8:
        raise InputError(Code.XML_ENCODING)
    for version in SoapVersion:
        if root_type.media_type == version.media_type:
            return version
    raise InputError(Code.HTTP_CONTENT_TYPE)


def _shape(root: etree._Element, version: SoapVersion) -> tuple[etree._Element | None, etree._Element]:
    """Return Header, if any, and Body of an envelope that has exactly these. SOAP 1.1 §4, SOAP 1.2 §5."""
    if root.tag != version.tag("Envelope"):
        if etree.QName(root).localname == "Envelope":
            raise InputError(Code.SOAP_VERSION)
        raise _malformed("the root element is no Envelope")
    children = elements(root)
    names = [child.tag for child in children]
    if names == [version.tag("Body")]:
        return None, children[0]
    if names != [version.tag("Header"), version.tag("Body")]:
        raise _malformed("Envelope holds other than Header and Body")
    return children[0], children[1]


def _only_payload(body: etree._Element) -> etree._Element:
    children = elements(body)
    if len(children) != 1:
        raise _malformed("Body holds other than one element")
    return children[0]


def _header_blocks(
    header: etree._Element | None, version: SoapVersion
) -> tuple[etree._Element | None, tuple[etree._Element, ...]]:
    """Return the security header and the addressing headers; every other one must not insist on being understood."""
    security: etree._Element | None = None
    addressing: list[etree._Element] = []
    for block in elements(header) if header is not None else ():
        name = etree.QName(block)
        if block.tag == SECURITY:
            if security is not None or not _is_for_us(block, version):
                raise _malformed("more than one Security header, or one for somebody else")
            security = block
        elif name.namespace == WSA:
            addressing.append(block)
        elif _is_for_us(block, version) and _must_be_understood(block, version):
            raise InputError(Code.SOAP_MUST_UNDERSTAND, header=name.localname[:60])
    _check_addressing(addressing)
    return security, tuple(addressing)


def _is_for_us(block: etree._Element, version: SoapVersion) -> bool:
    """Whether a header block is meant for the ultimate receiver. SOAP 1.1 §4.2.2, SOAP 1.2 §2.2."""
    if version is SoapVersion.SOAP_11:
        actor = block.get(version.tag("actor"), "").strip()
        return actor in ("", "http://schemas.xmlsoap.org/soap/actor/next")
    role = block.get(version.tag("role"), "").strip()
    return role in ("", f"{SOAP_12}/role/next", f"{SOAP_12}/role/ultimateReceiver")


def _must_be_understood(block: etree._Element, version: SoapVersion) -> bool:
    value = block.get(version.tag("mustUnderstand"), "0").strip()
    if value not in ("0", "1", "false", "true"):
        raise _malformed("mustUnderstand")
    return value in ("1", "true")


def _check_addressing(blocks: Sequence[etree._Element]) -> None:
    """Refuse a property that stands twice, and an address to answer to: answers go back where requests came from."""
    seen: set[str] = set()
    for block in blocks:
        name = etree.QName(block).localname
        if name in ADDRESSING_ONCE and name in seen:  # WS-Addressing 1.0 Core §3.2
            raise _malformed(f"wsa:{name} twice")
        seen.add(name)
        if name in ("ReplyTo", "FaultTo"):
            address = block.findtext(tag(WSA, "Address"), "").strip()
            if address not in _ANSWERABLE:
                raise _malformed(f"wsa:{name} is not the anonymous address")
        elif name != "From" and len(block):
            raise _malformed(f"wsa:{name} holds more than text")
        if name == "MessageID" and not _MESSAGE_ID.fullmatch(block.text or ""):
            raise _malformed("wsa:MessageID")  # one form only, so that a replay cannot look new


def _comparable(address: str) -> tuple[str, str, str, str] | None:
    """Return scheme, host, port and the rest of an absolute address, or None if it is of another form."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return None
    scheme, host, port, rest = match.groups("")
    scheme = scheme.lower()
    return scheme, host.lower(), port or _DEFAULT_PORTS.get(scheme, ""), rest


def _append(parent: etree._Element, version: SoapVersion, local_name: str) -> etree._Element:
    return etree.SubElement(parent, version.tag(local_name))


def _text(name: str, text: str, nsmap: dict[str | None, str] | None = None) -> etree._Element:
    element = etree.Element(name, nsmap=nsmap)
    element.text = text
    return element


def _malformed(what: str) -> InputError:
    return InputError(Code.SOAP_MALFORMED, what=what)
