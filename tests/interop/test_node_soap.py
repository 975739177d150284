"""The Node package soap reads both WSDLs unchanged, from their addresses alone, and builds a request we accept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.identifiers import Cvr, PartyId, Uuid4
from gateway.domain.operations import GetStatusRequest, Service
from gateway.protocol.service_requests import read_payload
from gateway.xmlcore.parse import parse
from tests.interop.stacks import SAMPLES, Stack, run
from tests.protocol.wsdl_server import serving_wsdls

_PROJECT = SAMPLES / "node"


@pytest.fixture(scope="module")
def seen(stack_of: Callable[[str], Stack]) -> dict[Service, Any]:
    """What a Node client sees of each service."""
    stack_of("node")
    with serving_wsdls() as addresses:
        wsdls = [f"{address}?wsdl" for address in addresses.values()]
        told = json.loads(run(["node", Path(__file__).with_name("describe.mjs"), *wsdls], cwd=_PROJECT))
    return dict(zip(addresses, told, strict=True))


@pytest.mark.parametrize("service", Service)
def test_node_sees_every_operation_at_both_ports(service: Service, seen: dict[Service, Any]) -> None:
    name = service.value.capitalize()
    expected = {operation.value for operation in service.operations}

    assert seen[service]["service"] == f"{name}Service"
    assert set(seen[service]["ports"]) == {f"{name}Soap11", f"{name}Soap12"}
    for operations in seen[service]["ports"].values():
        assert set(operations) == expected


@pytest.mark.parametrize("service", Service)
def test_node_knows_the_fields_of_every_message(service: Service, seen: dict[Service, Any]) -> None:
    for operations in seen[service]["ports"].values():
        for name, messages in operations.items():
            assert "OnBehalfOf" in messages["input"], name
            assert "CorrelationId" in messages["output"]["Answer"], name


def test_a_request_that_node_builds_is_read(seen: dict[Service, Any]) -> None:
    request = read_payload(parse(seen[Service.MUNICIPALITY]["body"].encode()), Service.MUNICIPALITY)

    assert request == GetStatusRequest(
        PartyId(Cvr("11111111"), "0999"), Uuid4("7d0f8a52-3c41-4b8e-9a55-0c6d1e2f4c1e")
    )


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((_PROJECT / "package-lock.json").read_text("utf-8"))

    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
