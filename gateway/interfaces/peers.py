"""Peers: whom a connection counts for, so that no stranger takes what there is for all.

An address stands for whoever holds it: of IPv6 the first 64 bits, for the rest is free to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Final

_NETWORK_OCTETS: Final = 8


@dataclass(frozen=True)
class Peers:
    """Tells peers apart; behind one of `proxies`, the operator's own, are many that cannot be told apart."""

    proxies: Sequence[IPv4Network | IPv6Network] = ()

    def counted_as(self, host: str) -> str | None:
        """Whom to count this address for; None if it is a proxy's, which counts for nobody."""
        try:
            address = ip_address(host)
        except ValueError:
            return host  # a socket in the file system, whose peers have no address
        address = (
            getattr(address, "ipv4_mapped", None) or address
        )  # as a listener for both versions shows IPv4
        if any(address in network for network in self.proxies):
            return None
        if isinstance(address, IPv4Address):
            return str(address)
        return address.packed[:_NETWORK_OCTETS].hex()


NO_PROXIES: Final = Peers()
