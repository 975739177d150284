"""Apache CXF's wsdl2java reads both WSDLs unchanged, from their addresses alone, and what it writes compiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.domain.operations import Service
from tests.interop.stacks import SAMPLES, Stack

_PROJECT = SAMPLES / "cxf"
_GENERATED = _PROJECT / "target" / "generated-sources" / "cxf"


@pytest.fixture(scope="module")
def generated(stack_of: Callable[[str], Stack]) -> Path:
    """The folder of the sources that wsdl2java has written in this run, after they compiled."""
    stack_of("cxf")
    return _GENERATED


@pytest.mark.parametrize("service", Service)
def test_wsdl2java_writes_a_client_with_every_operation(service: Service, generated: Path) -> None:
    package = generated / "dk" / "bropost" / "service" / "_1" / service.value
    interface = (package / f"{service.value.capitalize()}.java").read_text("utf-8")

    for operation in service.operations:
        action = f'operationName = "{operation.value}", action = "urn:dk:bropost:service:1/{operation.value}"'
        assert action in interface
    assert interface.count("throws BropostFault") == len(service.operations)


def test_wsdl2java_offers_both_versions_of_soap(generated: Path) -> None:
    package = generated / "dk" / "bropost" / "service" / "_1" / "municipality"
    service = (package / "MunicipalityService.java").read_text("utf-8")

    assert "getMunicipalitySoap11()" in service
    assert "getMunicipalitySoap12()" in service


def test_attachment_content_is_streamed_not_held_in_an_array(generated: Path) -> None:
    content = (generated / "dk" / "bropost" / "service" / "_1" / "AttachmentContent.java").read_text("utf-8")

    assert "protected DataHandler content;" in content


def test_every_generated_class_compiled(generated: Path) -> None:
    sources = {path.stem for path in generated.rglob("*.java") if path.stem != "package-info"}
    classes = {path.stem for path in (_PROJECT / "target" / "classes").rglob("*.class")}

    assert len(sources) > 60
    assert sources <= classes
