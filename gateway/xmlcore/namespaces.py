"""The namespaces of everything we read and write, and the prefixes we write them with."""

from __future__ import annotations

from typing import Final

DOCUMENT: Final = "urn:dk:bropost:document:1"
SERVICE: Final = "urn:dk:bropost:service:1"
EVIDENCE: Final = "urn:dk:bropost:evidence:1"
ANNOTATION: Final = "urn:dk:bropost:annotation:1"

SOAP_11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12: Final = "http://www.w3.org/2003/05/soap-envelope"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSSE_11: Final = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
WSA: Final = "http://www.w3.org/2005/08/addressing"
XOP: Final = "http://www.w3.org/2004/08/xop/include"

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
XML: Final = "http://www.w3.org/XML/1998/namespace"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"

PREFIXES: Final = {
    "doc": DOCUMENT,
    "svc": SERVICE,
    "ev": EVIDENCE,
    "ds": DS,
    "xades": XADES,
    "wsse": WSSE,
    "wsu": WSU,
    "wsa": WSA,
    "xop": XOP,
}


def tag(namespace: str, local_name: str) -> str:
    """The name as lxml writes it: "{namespace}local_name"."""
    return f"{{{namespace}}}{local_name}"
