"""Inside a good message: a letter whose signer says in its signed properties what is not true, or says too little."""

from __future__ import annotations

import copy

import pytest
from lxml import etree

from gateway.domain.catalogue import Code
from tests.attacks.door import Case, Door
from tests.attacks.pens import resealed
from tests.attacks.wrapping import adding, one, removing, setting, texting

PLACE, TRUE, LISTED = (
    "crypto.xades:_only_properties",
    "crypto.xades:_require_true",
    "crypto.xades_properties:_exactly",
)
BASELINE, PROPERTIES = "ETSI EN 319 132-1 §6.3", Code.SIGNATURE_PROPERTIES


def _named_twice(root: etree._Element) -> None:
    holder = one(root, "//xades:Cert")
    holder.append(copy.deepcopy(holder[0]))


def _many_named(root: etree._Element) -> None:
    named = one(root, "//xades:SigningCertificateV2")
    named.extend(copy.deepcopy(named[0]) for _ in range(4))


CASES: tuple[Case, ...] = (
    resealed(
        "no signing time", LISTED, "ETSI EN 319 132-1 §5.2.1", PROPERTIES, removing("//xades:SigningTime")
    ),
    resealed(
        "no signing certificate",
        LISTED,
        "ETSI EN 319 132-1 §5.2.2",
        PROPERTIES,
        removing("//xades:SigningCertificateV2"),
    ),
    resealed(
        "a policy that nobody reads",
        LISTED,
        BASELINE,
        PROPERTIES,
        adding("//xades:SignedSignatureProperties", "<xades:SignaturePolicyIdentifier/>"),
    ),
    resealed(
        "no certificate named",
        "crypto.xades_properties:read_signed_properties",
        "ETSI EN 319 132-1 §5.2.2",
        PROPERTIES,
        removing("//xades:Cert"),
    ),
    resealed(
        "another certificate named",
        TRUE,
        "ETSI EN 319 132-1 §5.2.2",
        PROPERTIES,
        texting("//xades:CertDigest/ds:DigestValue", "AAAA"),
    ),
    resealed(
        "a certificate of another serial number",
        TRUE,
        "RFC 5035 §5.4.1",
        PROPERTIES,
        adding("//xades:Cert", "<xades:IssuerSerialV2>AAAA</xades:IssuerSerialV2>"),
    ),
    resealed(
        "a certificate named otherwise",
        "crypto.xades_properties:_read_certificate",
        "ETSI EN 319 132-1 §5.2.2",
        PROPERTIES,
        adding("//xades:Cert", "<xades:Other/>"),
    ),
    resealed(
        "a certificate named twice",
        "crypto.xades_properties:_read_certificate",
        "ETSI EN 319 132-1 §5.2.2",
        PROPERTIES,
        _named_twice,
    ),
    resealed(
        "more certificates named than there are", TRUE, "ETSI EN 319 132-1 §5.2.2", PROPERTIES, _many_named
    ),
    resealed(
        "a certificate without digest",
        "crypto.xades_properties:_read_certificate",
        "ETSI EN 319 132-1 §5.2.2",
        PROPERTIES,
        removing("//xades:CertDigest/ds:DigestValue"),
    ),
    resealed(
        "two sets of properties",
        PLACE,
        "ETSI EN 319 132-1 §4.3.1",
        PROPERTIES,
        adding("//xades:QualifyingProperties", "<xades:SignedProperties/>"),
    ),
    resealed(
        "a format of many words",
        "crypto.xades_properties:_read_format",
        "ETSI EN 319 132-1 §5.2.4",
        PROPERTIES,
        adding("//xades:DataObjectFormat", "<xades:Other/>"),
    ),
    resealed(
        "another format",
        "crypto.xades_properties:_read_format",
        "ETSI EN 319 132-1 §5.2.4",
        PROPERTIES,
        texting("//xades:MimeType", "text/html"),
    ),
    resealed(
        "a format of something else",
        TRUE,
        "ETSI EN 319 132-1 §5.2.4",
        PROPERTIES,
        setting("//xades:DataObjectFormat", ObjectReference="#Signature"),
    ),
    resealed(
        "properties of another signature",
        PLACE,
        "ETSI EN 319 132-1 §4.3.1",
        PROPERTIES,
        setting("//xades:QualifyingProperties", Target="#Document"),
    ),
    resealed(
        "a time that is none",
        "crypto.xades_properties:_read_time",
        "ETSI EN 319 132-1 §5.2.1",
        PROPERTIES,
        texting("//xades:SigningTime", "2026-02-30T00:00:00Z"),
    ),
    resealed(
        "a time without zone",
        "crypto.xades_properties:_read_time",
        "ETSI EN 319 132-1 §5.2.1",
        PROPERTIES,
        texting("//xades:SigningTime", "2026-01-01T00:00:00"),
    ),
    resealed(
        "a time that lies ahead",
        TRUE,
        "ETSI EN 319 132-1 §5.2.1",
        PROPERTIES,
        texting("//xades:SigningTime", "2126-01-01T00:00:00Z"),
    ),
    resealed(
        "a time before the certificate",
        TRUE,
        "RFC 5280 §4.1.2.5",
        Code.CERTIFICATE_TIME,
        texting("//xades:SigningTime", "2016-01-01T00:00:00Z"),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_letter_with_other_signed_properties_is_refused(door: Door, case: Case) -> None:
    door.withstands(case)
