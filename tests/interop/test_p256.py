"""A system whose certificate has a P-256 key, with every stack that can sign so.

The .NET sample is not here: Mono 6.8, which runs it, has no elliptic keys at all (`ECDsa.Create` is not implemented).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from demo import parties
from tests.interop.conftest import ELLIPTIC, Gateway
from tests.interop.exchange import id_of, letter, notice, received, require_received
from tests.interop.stacks import Stack

StackOf = Callable[[str], Stack]

each_stack = pytest.mark.parametrize("name", ["zeep", "cxf", "node"])
each_version = pytest.mark.parametrize("version", ["Soap11", "Soap12"])


@each_stack
@each_version
def test_a_system_with_a_p256_certificate_sends_and_receives(
    name: str, version: str, gateway: Gateway, stack_of: StackOf
) -> None:
    stack, settings = stack_of(name), gateway.settings("municipality", version, holder=ELLIPTIC)
    sent, waiting = letter(), notice()
    gateway.stage.school.call("SendNotice", Document=gateway.stage.school.typed(waiting))

    pong = stack.run(settings, "ping")
    told = stack.run(settings, "send", stack.typed(sent, gateway.folder))
    got = stack.run(settings, "receive", gateway.folder)

    assert pong["Echo"]
    assert (told["DocumentId"], told["State"]) == (id_of(sent), "ACCEPTED")
    require_received(got, gateway, waiting, parties.SCHOOL_SEAL)
    require_received(received(stack, gateway, version), gateway, sent, parties.MUNICIPALITY_SEAL)
