"""Whether a message signature covers exactly what is read of the message, and whether its digests hold.

Judged by identity: what must be signed was found by its place in the envelope, never by its name or its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lxml import etree

from gateway.crypto.algorithms import ATTACHMENT_CONTENT, ENVELOPED, EXCLUSIVE_C14N
from gateway.crypto.xmldsig import ParsedSignature, Reference, check_digest, check_digest_value
from gateway.domain.catalogue import Code
from gateway.domain.errors import TrustError
from gateway.protocol.attachments import (
    INCLUDE,
    Include,
    canonical_pieces,
    digest_content,
    digest_pieces,
    find_includes,
    is_text,
    named_part,
)
from gateway.protocol.mime import malformed
from gateway.protocol.soap import Unpacked
from gateway.protocol.wss_header import SecurityHeader
from gateway.xmlcore.c14n import exclusive

# The enveloped-signature transform removes nothing from what may be signed, where the signature never is; node soap
# names it unless told otherwise.
_ELEMENT_TRANSFORMS = ([EXCLUSIVE_C14N], [ENVELOPED, EXCLUSIVE_C14N])


@dataclass(frozen=True)
class Coverage:
    """What each reference of a signature is about, with everything covered that must be and nothing else."""

    elements: tuple[tuple[Reference, etree._Element], ...]
    parts: tuple[tuple[Reference, str], ...]  # with the Content-ID
    includes: tuple[Include, ...]  # in Body


def read_coverage(
    unpacked: Unpacked, header: SecurityHeader, parsed: ParsedSignature, ids: Mapping[str, etree._Element]
) -> Coverage:
    """Return what each reference is about; Body, Timestamp, every wsa header and every part, none by two references.

    A part that an MTOM message includes may be referenced besides, as CXF does: both digests must hold. One that
    another message includes must be referenced: its Body is signed as it stands, see `_includes`. The part of the
    token need not be: a token need not be signed.
    """
    includes = _includes(unpacked, header)
    elements: list[tuple[Reference, etree._Element]] = []
    parts: list[tuple[Reference, str]] = []
    for reference in parsed.references:
        algorithms = [transform.algorithm for transform in reference.transforms]
        if reference.uri.startswith("#") and algorithms in _ELEMENT_TRANSFORMS:
            target = ids.get(reference.uri[1:])
            if target is None:
                raise _uncovered("a reference leads nowhere")
            elements.append((reference, target))
        elif reference.uri.startswith("cid:") and algorithms == [ATTACHMENT_CONTENT]:
            parts.append((reference, named_part(reference.uri, unpacked.parts)))
        else:
            raise _uncovered("a reference of another form")
    _require_exact([target for _, target in elements], unpacked, header)
    referenced = [content_id for _, content_id in parts]
    included = [include.content_id for include in includes]
    if len(referenced) != len(set(referenced)) or len(included) != len(set(included)):
        raise TrustError(Code.ATTACHMENT_UNSIGNED)
    covered = {*referenced, *header.token_part, *(included if unpacked.is_mtom else ())}
    if covered != set(unpacked.parts):
        raise TrustError(Code.ATTACHMENT_UNSIGNED)
    return Coverage(tuple(elements), tuple(parts), includes)


def _require_exact(targets: Sequence[etree._Element], unpacked: Unpacked, header: SecurityHeader) -> None:
    """Refuse unless the elements are exactly those that must be signed, and at most the token beside them."""
    must = [unpacked.body, header.timestamp, *unpacked.addressing]
    may = [*must, header.token] if header.token is not None else must
    if any(targets.count(target) > 1 or target not in may for target in targets):
        raise _uncovered("something else is signed")
    for element in must:
        if element not in targets:
            if element in unpacked.addressing:
                raise TrustError(Code.ADDRESSING_UNSIGNED)
            raise _uncovered("Body or Timestamp is not signed")


def _includes(unpacked: Unpacked, header: SecurityHeader) -> tuple[Include, ...]:
    """Return the xop:Include elements, which stand in Body or nowhere; that of the token was put in its place before.

    CXF includes base64 values in messages with SwA attachments too, without MTOM, and signs the Includes themselves.
    """
    includes = find_includes(unpacked.body, unpacked.parts) if unpacked.parts else ()
    if len(includes) != sum(1 for _ in unpacked.envelope.iter(INCLUDE)):
        raise malformed("an xop:Include outside Body, or in a message without parts")
    if {include.content_id for include in includes} & set(header.token_part):
        raise malformed("two references to one part")
    return includes


def check_digests(unpacked: Unpacked, coverage: Coverage) -> dict[str, bytes]:
    """Compare every digest with what was received. TrustError SIGNATURE_DIGEST.

    Gives the SHA-256 of the parts that were digested as they are, by Content-ID: large ones need it again.
    """
    for reference, element in coverage.elements:
        prefixes = reference.transforms[-1].inclusive_prefixes
        if element is unpacked.body and unpacked.is_mtom:
            contents = {name: part.content for name, part in unpacked.parts.items()}
            pieces = canonical_pieces(element, coverage.includes, prefixes)
            check_digest_value(reference, digest_pieces(pieces, coverage.includes, contents))
        else:
            check_digest(reference, exclusive(element, prefixes))
    digests: dict[str, bytes] = {}
    for reference, content_id in coverage.parts:
        part = unpacked.parts[content_id]
        digest = digest_content(part.content_type.media_type, part.content)
        check_digest_value(reference, digest)
        if not is_text(part.content_type.media_type):
            digests[content_id] = digest
    return digests


def _uncovered(what: str) -> TrustError:
    return TrustError(Code.SIGNATURE_COVERAGE, what=what)
