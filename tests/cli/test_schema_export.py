"""A client developer gets every schema, WSDL and code list as files that work without a network."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import zeep
from lxml import etree

from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError
from gateway.domain.mandate import Operation
from gateway.domain.operations import Service
from gateway.xmlcore import resources
from gateway.xmlcore.namespaces import WSDL, tag
from tests.development import run
from tests.golden.loader import golden

_ADDRESS = "https://gateway.example:8443"


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder with everything, for the gateway at _ADDRESS."""
    run("schema", "export", tmp_path / "bropost", "--address", f"{_ADDRESS}/")
    return tmp_path / "bropost"


def test_everything_that_is_packaged_is_written_and_nothing_else(exported: Path) -> None:
    written = {path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()}
    assert written == resources.names()
    assert "standard/xmldsig-core-schema.xsd" in written
    for path in (exported / "codes").iterdir():
        assert tomllib.loads(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("service/service.xsd", "service/SendLetter"),
        ("document/document.xsd", "documents/education-order-letter"),
        ("evidence/evidence.xsd", "evidence/ContentHandover"),
    ],
)
def test_a_schema_loads_from_disk_without_a_network(exported: Path, schema: str, file: str) -> None:
    parser = etree.XMLParser(no_network=True, load_dtd=False, resolve_entities=False)
    loaded = etree.XMLSchema(etree.parse(str(exported / schema), parser))
    assert loaded.validate(etree.fromstring(golden(file), parser)), loaded.error_log


@pytest.mark.parametrize("service", Service)
def test_a_client_loads_the_wsdl_from_disk_and_calls_the_given_address(
    exported: Path, service: Service
) -> None:
    client = zeep.Client(str(exported / "service" / f"{service.value}.wsdl"), transport=_NoNetwork())
    (found,) = client.wsdl.services.values()
    for port in found.ports.values():
        assert port.binding_options["address"] == f"{_ADDRESS}/{service.value}/1"
        assert set(port.binding.all()) == {operation.value for operation in service.operations}
    assert client.get_element("{urn:dk:bropost:service:1}" + Operation.PING.value)


def test_without_an_address_the_wsdl_names_an_installation_on_this_machine(tmp_path: Path) -> None:
    run("schema", "export", tmp_path)
    root = etree.parse(str(tmp_path / "service" / "municipality.wsdl")).getroot()
    ports = root.findall(f"{tag(WSDL, 'service')}/{tag(WSDL, 'port')}")
    assert {port[0].get("location") for port in ports} == {"https://localhost:8443/municipality/1"}


def test_a_folder_that_is_not_empty_is_left_as_it_is(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine", encoding="utf-8")
    error = _refused(tmp_path)
    assert (error.code, list(tmp_path.iterdir())) == (Code.ARGUMENT_INVALID, [mine])
    assert "is not empty" in error.english
    assert "er ikke tom" in error.danish


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert _refused(file).code is Code.ARGUMENT_INVALID


@pytest.mark.parametrize(
    "address",
    [
        "gateway.example",
        "ftp://gateway.example",
        "https://",
        "https://[",
        "https://gateway.example/?wsdl",
        "https://a b",
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_written(address: str, tmp_path: Path) -> None:
    error = _refused(tmp_path / "new", "--address", address)
    assert error.code is Code.ARGUMENT_INVALID
    assert not (tmp_path / "new").exists()


def _refused(folder: Path, *options: str) -> BropostError:
    with pytest.raises(BropostError) as refused:
        run("schema", "export", folder, *options)
    return refused.value


class _NoNetwork(zeep.Transport):  # type: ignore[misc]  # zeep has no types
    """A transport that reads files alone."""

    def _load_remote_data(self, url: str) -> bytes:
        raise AssertionError(f"{url} would be fetched")
