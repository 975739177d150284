"""The WSDLs and schemas as they are served: everything a client needs can be loaded from a service's address alone.

The WSDL of a service at ADDRESS is at ADDRESS?wsdl, and what it imports at ADDRESS/xsd/..., laid out as in the
repository, so that the relative imports between the schemas hold there as well.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from gateway.domain.operations import Service
from gateway.xmlcore import resources
from gateway.xmlcore.namespaces import WSDL, XSD, tag
from gateway.xmlcore.parse import parse

RESOURCE_FOLDER: Final = "xsd"
MEDIA_TYPE: Final = "text/xml; charset=utf-8"

_SCHEMA_SUFFIX: Final = ".xsd"


@lru_cache(maxsize=16)
def wsdl(service: Service, address: str) -> bytes:
    """Return the WSDL of a service in UTF-8, with `address` (an absolute URL without query) in every port."""
    root = _with_address(service, address)
    for schema_import in root.iter(tag(XSD, "import")):
        schema_import.set("schemaLocation", _relative(address, resources.SERVICE_SCHEMA))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def wsdl_file(service: Service, address: str) -> bytes:
    """Return the same for a folder laid out as the repository's, where schemas are found beside the WSDL."""
    return etree.tostring(_with_address(service, address), encoding="UTF-8", xml_declaration=True)


def wsdl_file_name(service: Service) -> str:
    """Return where that file lies in the folder, e.g. "service/municipality.wsdl"."""
    return f"service/{service.value}.wsdl"


def resource(name: str) -> bytes:
    """Return the octets of the schema at ADDRESS/xsd/NAME. LookupError for every name not in `resource_names()`."""
    if name not in resource_names():
        raise LookupError("no schema has this name")
    return resources.read(name)


@lru_cache(maxsize=1)
def resource_names() -> frozenset[str]:
    """Return the names of all schemas that are served, e.g. "service/service.xsd"; standard ones included."""
    return frozenset(name for name in resources.names() if name.endswith(_SCHEMA_SUFFIX))


def _with_address(service: Service, address: str) -> etree._Element:
    """Return the packaged WSDL with this address in every port."""
    root = parse(resources.read(wsdl_file_name(service)))
    for port in root.iterfind(f"{tag(WSDL, 'service')}/{tag(WSDL, 'port')}"):
        for binding_address in port:
            binding_address.set("location", address)
    return root


def _relative(address: str, name: str) -> str:
    """Return the place of a schema as a reference relative to the address of the WSDL. RFC 3986 §5.2.3."""
    segment = urlsplit(address).path.rpartition("/")[2]
    return "/".join((*([segment] if segment else []), RESOURCE_FOLDER, name))
