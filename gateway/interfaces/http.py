"""What comes in and goes out over HTTP, as plain values, so that the endpoints need no server to be tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class HttpRequest:
    """One request, whole: its body has been read within the limits. Nothing in it is trusted."""

    method: str
    path: str  # without the query, e.g. "/municipality/1"
    query: str  # what follows "?", undecoded
    headers: Mapping[str, str]  # names in lower case; a repeated header never gets here
    body: bytes
    peer: str = ""  # IP address of whoever holds the connection; a proxy's, where one stands in front


@dataclass(frozen=True)
class HttpAnswer:
    """One answer, whole."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
