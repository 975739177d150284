"""Both WSDLs are complete at their address alone, and a real client works from them, from files and over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
import zeep
from lxml import etree
from zeep.helpers import serialize_object

from gateway.domain.mandate import Operation
from gateway.domain.operations import Answer, Service
from gateway.protocol.service_answers import render_answer
from gateway.protocol.service_requests import SendRequest, UnsealedDocument, read_payload
from gateway.protocol.soap import SoapVersion, envelope
from gateway.protocol.wsdl import resource, resource_names, wsdl
from gateway.xmlcore import resources
from gateway.xmlcore.c14n import exclusive
from gateway.xmlcore.namespaces import SERVICE, WSDL, XSD, tag
from gateway.xmlcore.parse import parse
from tests.protocol.service_samples import (
    ANSWERS,
    DOCUMENT_ID,
    INFO,
    REQUESTS,
    SEND,
    PlainRequest,
    request_xml,
)
from tests.protocol.wsdl_server import serving_wsdls

_ADDRESS = "https://gateway.example:8443/municipality/1"
_BINDINGS = {
    "http://schemas.xmlsoap.org/wsdl/soap/": "Soap11",
    "http://schemas.xmlsoap.org/wsdl/soap12/": "Soap12",
}


@pytest.fixture(scope="module", params=["files", "http"])
def clients(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Service, zeep.Client]]:
    """A zeep client of each service, its WSDL read from files or from the address of the service."""
    if request.param == "files":
        folder = tmp_path_factory.mktemp("xsd")
        for name in resources.names():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(resources.read(name))
        yield {service: _client(str(folder / "service" / f"{service.value}.wsdl")) for service in Service}
        return
    with serving_wsdls() as addresses:
        yield {service: _client(f"{address}?wsdl") for service, address in addresses.items()}


def _client(address: str) -> zeep.Client:
    return zeep.Client(address)


def _ports(client: zeep.Client) -> dict[str, Any]:
    (service,) = client.wsdl.services.values()
    return dict(service.ports)


def _built(client: zeep.Client, operation: Operation, inside: str) -> etree._Element:
    """The payload that zeep builds from plain values: those that it reads in a sample."""
    payload = parse(request_xml(operation, inside))
    read = client.get_element(tag(SERVICE, operation.value)).parse(payload, client.wsdl.types)
    message = client.create_message(client.service, operation.value, **serialize_object(read, dict))
    return parse(etree.tostring(message[-1][0]))


@pytest.mark.parametrize("service", Service)
def test_a_client_finds_every_operation_at_both_ports(
    service: Service, clients: dict[Service, zeep.Client]
) -> None:
    name = service.value.capitalize()
    ports = _ports(clients[service])

    assert set(ports) == {f"{name}Soap11", f"{name}Soap12"}
    for port in ports.values():
        assert set(port.binding._operations) == {operation.value for operation in service.operations}


@pytest.mark.parametrize("expected", REQUESTS, ids=lambda request: request.operation.value)
def test_a_request_that_a_client_builds_gives_its_value(
    expected: PlainRequest, clients: dict[Service, zeep.Client]
) -> None:
    for service in Service:
        payload = _built(clients[service], expected.operation, REQUESTS[expected])
        assert read_payload(payload, service) == expected


@pytest.mark.parametrize("operation", [Operation.SEND_LETTER, Operation.SEND_NOTICE])
def test_a_typed_document_that_a_client_builds_arrives_whole(
    operation: Operation, clients: dict[Service, zeep.Client]
) -> None:
    sample = read_payload(parse(request_xml(operation, SEND)), Service.MUNICIPALITY)
    request = read_payload(_built(clients[Service.MUNICIPALITY], operation, SEND), Service.MUNICIPALITY)

    assert isinstance(request, SendRequest)
    assert isinstance(sample, SendRequest)
    assert isinstance(request.content, UnsealedDocument)
    assert isinstance(sample.content, UnsealedDocument)
    assert _values(request.content) == _values(sample.content)
    assert request.attachments == sample.attachments
    assert request.overrides == sample.overrides


def test_a_signed_document_that_a_client_sends_keeps_its_octets(clients: dict[Service, zeep.Client]) -> None:
    client = clients[Service.MUNICIPALITY]
    party = {"Cvr": "11111111", "MunicipalityCode": "0999"}
    message = client.create_message(
        client.service, "SendLetter", OnBehalfOf=party, SignedDocument=b"<a>\r\n</a>"
    )

    request = read_payload(parse(etree.tostring(message[-1][0])), Service.MUNICIPALITY)

    assert isinstance(request, SendRequest)
    assert request.content == b"<a>\r\n</a>"


@pytest.mark.parametrize("version", SoapVersion)
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: type(answer).__name__)
def test_a_client_reads_every_answer(
    answer: Answer, version: SoapVersion, clients: dict[Service, zeep.Client]
) -> None:
    port = _ports(clients[Service.MUNICIPALITY])[f"MunicipalitySoap{version.name[-2:]}"]
    rendered = etree.tostring(envelope(version, render_answer(answer, INFO).element))

    read = port.binding.get(answer.operation.value).process_reply(etree.fromstring(rendered))

    assert read.Answer.CorrelationId == str(INFO.correlation_id)
    assert read.Answer.RequestDigest == INFO.request_digest
    if document_id := getattr(answer, "document_id", None):
        assert read.DocumentId == str(document_id)


def test_a_client_sees_what_stands_in_the_lists(clients: dict[Service, zeep.Client]) -> None:
    binding = _ports(clients[Service.INSTITUTION])["InstitutionSoap12"].binding
    inbox = next(answer for answer in ANSWERS if answer.operation is Operation.LIST_INBOX)
    reply = envelope(SoapVersion.SOAP_12, render_answer(inbox, INFO).element)

    (item,) = binding.get("ListInbox").process_reply(reply).Item

    assert item.DocumentId == str(DOCUMENT_ID)
    assert item.Sender.Party.InstitutionNumber == "999001"
    assert [each.Role for each in item.Attention] == ["CASEWORKER", "MAIN_MAILBOX"]
    assert item.Protected is True


@pytest.mark.parametrize("service", Service)
def test_the_address_of_the_gateway_stands_in_every_port(service: Service) -> None:
    root = parse(wsdl(service, _ADDRESS))
    ports = list(root.iter(tag(WSDL, "port")))

    assert [port[0].get("location") for port in ports] == [_ADDRESS, _ADDRESS]
    assert [_BINDINGS[str(etree.QName(port[0]).namespace)] for port in ports] == ["Soap11", "Soap12"]


@pytest.mark.parametrize("service", Service)
@pytest.mark.parametrize(
    "address", [_ADDRESS, "https://gateway.example/s", "https://gateway.example", f"{_ADDRESS}/"]
)
def test_everything_imported_is_served_below_the_address(service: Service, address: str) -> None:
    root = parse(wsdl(service, address))
    (imported,) = root.iter(tag(XSD, "import"))
    base = urljoin(f"{address}?wsdl", "xsd/") if address.endswith("/") else f"{address}/xsd/"
    seen: set[str] = set()
    waiting = [urljoin(f"{address}?wsdl", str(imported.get("schemaLocation")))]
    while waiting:
        url = waiting.pop()
        assert url.startswith(base)
        if url in seen:
            continue
        seen.add(url)
        schema = parse(resource(url.removeprefix(base)))
        waiting += [urljoin(url, location) for location in _imported(schema)]

    assert f"{base}standard/xmldsig-core-schema.xsd" in seen
    assert f"{base}document/document.xsd" in seen


@pytest.mark.parametrize(
    "name", ["service/municipality.wsdl", "../pyproject.toml", "codes/provisions.toml", "", "service"]
)
def test_nothing_but_schemas_is_served(name: str) -> None:
    assert name not in resource_names()
    with pytest.raises(LookupError):
        resource(name)


@pytest.mark.parametrize("service", Service)
def test_every_operation_is_document_literal_wrapped_and_declares_the_fault(service: Service) -> None:
    root = parse(resources.read(f"service/{service.value}.wsdl"))
    parts = {
        message.get("name"): [(part.get("name"), part.get("element")) for part in message]
        for message in root.iter(tag(WSDL, "message"))
    }
    for operation in service.operations:
        name = operation.value
        assert parts[f"{name}Request"] == [("parameters", f"svc:{name}")]
        assert parts[f"{name}Response"] == [("parameters", f"svc:{name}Response")]
        (declared,) = root.iterfind(f"{tag(WSDL, 'portType')}/{tag(WSDL, 'operation')}[@name='{name}']")
        assert declared.find(tag(WSDL, "fault")) is not None
        assert len(declared.findtext(tag(WSDL, "documentation"), "").split("\n\n")) == 2
        for namespace in _BINDINGS:
            (bound,) = root.iterfind(f".//{tag(namespace, 'operation')}[@soapAction='{SERVICE}/{name}']")
            assert bound.get("style") == "document"
    assert parts["BropostFault"] == [("fault", "svc:BropostFault")]


def test_the_two_services_agree_on_what_they_share() -> None:
    municipality, institution = (_operations(service) for service in Service)

    assert set(municipality) - set(institution) == {"SendLetter"}
    assert {name: municipality[name] for name in institution} == institution


def _operations(service: Service) -> dict[str, bytes]:
    root = parse(resources.read(f"service/{service.value}.wsdl"))
    operations = root.iterfind(f"{tag(WSDL, 'portType')}/{tag(WSDL, 'operation')}")
    return {str(each.get("name")): exclusive(each) for each in operations}


def _imported(schema: etree._Element) -> list[str]:
    declared = [*schema.iterfind(tag(XSD, "import")), *schema.iterfind(tag(XSD, "include"))]
    return [str(each.get("schemaLocation")) for each in declared]


def _values(document: UnsealedDocument) -> list[tuple[str, str]]:
    return [(str(element.tag), (element.text or "").strip()) for element in document.element.iter()]
