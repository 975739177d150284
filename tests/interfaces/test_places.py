"""Places are shared out among peers, and some are kept for asking whether the gateway is well."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.interfaces.peers import NO_PROXIES, Peers
from gateway.interfaces.places import LAST_OF_ONE, LAST_PLACES, LEAST_SHARE, SHARE, Place, Places

MOST = 256
OF_ONE = MOST // SHARE


def test_a_peer_gets_its_share_and_another_still_finds_a_place() -> None:
    places = Places(MOST, NO_PROXIES)
    held = [places.take("192.0.2.1") for _ in range(OF_ONE)]
    assert None not in held
    assert places.take("192.0.2.1") is None
    assert places.take("192.0.2.2") is not None
    assert held[0] is not None
    for _ in range(2):
        held[0].leave()  # only the first time counts
    assert places.take("192.0.2.1") is not None
    assert places.take("192.0.2.1") is None


def test_few_places_leave_a_peer_the_least_that_a_system_needs() -> None:
    places = Places(20, NO_PROXIES)
    assert [places.take("192.0.2.1") is not None for _ in range(LEAST_SHARE + 1)] == [True] * LEAST_SHARE + [
        False
    ]


def full(most: int = MOST) -> tuple[Places, list[Place]]:
    """Places of which one is left for each of so many addresses, all taken."""
    places = Places(most, NO_PROXIES)
    taken = [place for place in (places.take(f"192.0.2.{number}") for number in range(most)) if place]
    assert [place.is_last for place in taken] == [False] * most
    return places, taken


def test_the_last_places_are_told_apart_and_have_an_end() -> None:
    places, taken = full()
    last = [
        place for place in (places.take(f"198.51.100.{number}") for number in range(LAST_PLACES)) if place
    ]
    assert [place.is_last for place in last] == [True] * LAST_PLACES
    assert places.take("203.0.113.1") is None
    last[0].leave()
    again = places.take("203.0.113.1")
    assert again is not None
    assert again.is_last
    taken[0].leave()
    ordinary = places.take("203.0.113.1")
    assert ordinary is not None
    assert not ordinary.is_last


def test_one_peer_has_few_of_the_last_places_and_another_still_finds_one() -> None:
    places, _ = full()
    held = [place for place in (places.take("198.51.100.1") for _ in range(LAST_PLACES)) if place]
    assert [place.is_last for place in held] == [True] * LAST_OF_ONE
    assert places.take("198.51.100.2") is not None
    for _ in range(2):
        held[0].leave()  # only the first time counts
    assert places.take("198.51.100.1") is not None
    assert places.take("198.51.100.1") is None


@pytest.mark.parametrize(("held", "finds_one"), [(OF_ONE // 2 - 1, True), (OF_ONE // 2, False)])
def test_who_has_much_of_its_share_has_no_last_place(held: int, finds_one: bool) -> None:
    places = Places(MOST, NO_PROXIES)
    assert all(places.take("198.51.100.1") for _ in range(held))
    assert all(places.take(f"192.0.2.{number}") for number in range(MOST - held))
    assert (places.take("198.51.100.1") is not None) is finds_one
    assert places.take("198.51.100.2") is not None


def test_the_few_who_took_the_others_do_not_take_the_last_places_too() -> None:
    places = Places(MOST, NO_PROXIES)
    for number in range(2 * MOST):
        places.take(f"192.0.2.{number % (SHARE + 1)}")
    last = [
        place for place in (places.take(f"198.51.100.{number}") for number in range(LAST_PLACES)) if place
    ]
    assert [place.is_last for place in last] == [True] * LAST_PLACES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("", ""),
    ],
)
def test_addresses_of_one_holder_count_as_one_peer(one: str, other: str) -> None:
    assert NO_PROXIES.counted_as(one) == NO_PROXIES.counted_as(other)


@pytest.mark.parametrize(
    ("one", "other"), [("2001:db8::1", "2001:db8:0:1::1"), ("192.0.2.1", "192.0.2.2"), ("::1", "")]
)
def test_others_are_told_apart(one: str, other: str) -> None:
    assert NO_PROXIES.counted_as(one) != NO_PROXIES.counted_as(other)


def test_a_proxy_of_ones_own_counts_for_nobody() -> None:
    peers = Peers((ip_network("192.0.2.0/24"), ip_network("2001:db8::/64")))
    assert [peers.counted_as(host) for host in ("192.0.2.9", "::ffff:192.0.2.9", "2001:db8::9")] == [None] * 3
    assert peers.counted_as("198.51.100.1") == "198.51.100.1"
    places = Places(MOST, peers)
    assert all(places.take("192.0.2.9") for _ in range(MOST))
