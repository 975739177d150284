"""Mono's svcutil reads both WSDLs unchanged, from their addresses alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.operations import Service
from tests.interop.stacks import require_tools, run
from tests.protocol.wsdl_server import serving_wsdls


@pytest.mark.parametrize("service", Service)
def test_svcutil_writes_an_interface_with_every_operation(service: Service, tmp_path: Path) -> None:
    require_tools("svcutil")
    file = tmp_path / "Service.cs"
    with serving_wsdls() as addresses:
        run(["svcutil", f"-out:{file}", f"-config:{tmp_path / 'app.config'}", f"{addresses[service]}?wsdl"])
    written = file.read_text("utf-8")

    assert f"public interface {service.value.capitalize()} {{" in written
    assert [
        each.value for each in service.operations if f" {each.value}Response {each.value}(" not in written
    ] == []
