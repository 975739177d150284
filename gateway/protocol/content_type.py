"""Media types with their parameters, as they stand in Content-Type headers; everything read here is untrusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gateway.domain.catalogue import Code
from gateway.domain.errors import InputError

OCTETS_MOST: Final = 2_000  # ten times the longest that a SOAP stack is known to send

# RFC 2045 §5.1; names of extended parameters (RFC 2231: "boundary*0", "boundary*") are not accepted.
_TYPE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}/[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100})[ \t]*")
_NAME = re.compile(r";[ \t]*([0-9A-Za-z_-]{1,40})=")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\[ -~])*)"[ \t]*')
# Wider than a token: clients send boundaries and types with ":", "/" and "=" without quotes.
_BARE = re.compile(r"([!#-+.-:<-~-]+)[ \t]*")
_ESCAPED = re.compile(r"\\(.)")
_REST = re.compile(r"(?:;[ \t]*)?")


@dataclass(frozen=True)
class ContentType:
    """One media type in lower case, e.g. "text/xml", and its parameters by name in lower case."""

    media_type: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_utf8(self) -> bool:
        """Whether the charset parameter is UTF-8 or absent."""
        return self.parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8")

    @staticmethod
    def parse(text: str) -> ContentType:
        """Read a header value. Parameters may be quoted or not; one that stands twice is refused.

        InputError MIME_MALFORMED on anything else, RFC 2045 §5.1.
        """
        start = _TYPE.match(text)
        if start is None or len(text) > OCTETS_MOST:
            raise _malformed()
        parameters: dict[str, str] = {}
        position = start.end()
        while name := _NAME.match(text, position):
            quoted = _QUOTED.match(text, name.end())
            value = quoted or _BARE.match(text, name.end())
            if value is None or name[1].lower() in parameters:
                raise _malformed()
            parameters[name[1].lower()] = _ESCAPED.sub(r"\1", value[1]) if quoted else value[1]
            position = value.end()
        if not _REST.fullmatch(text, position):
            raise _malformed()
        return ContentType(start[1].lower(), MappingProxyType(parameters))


def _malformed() -> InputError:
    return InputError(Code.MIME_MALFORMED, what="Content-Type")
