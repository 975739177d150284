"""For every change of a signed message: it is refused, or what is read of it is what was signed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import BropostError
from gateway.protocol.soap import SoapVersion
from tests.messages import Sent, addressing, canonical, golden, golden_with_parts, received

PLAIN = golden(SoapVersion.SOAP_12, headers=addressing(MessageID="urn:uuid:1"))
WITH_PARTS = {mtom: golden_with_parts(b"%PDF-1.7\r\n", b"one\ntwo", mtom=mtom) for mtom in (True, False)}

Read = tuple[bytes, str | None, dict[str, bytes], list[str]]


def read(sent: Sent) -> Read | None:
    """What business code may see of the message; None if it is refused, which nothing but a product error may do."""
    try:
        verified = received(sent)
    except BropostError:
        return None
    contents = {name: bytes(content) for name, content in verified.attachments.items()}
    return canonical(verified.payload), verified.message_id, contents, list(verified.included.values())


def changed(sent: Sent, at: float, removed: int, inserted: bytes) -> Sent:
    position = int(at * len(sent.body))
    body = sent.body[:position] + inserted + sent.body[position + removed :]
    return Sent(sent.content_type, body)


PLACES = st.floats(0, 1, exclude_max=True)
TEXTS = st.one_of(
    st.binary(max_size=3),
    st.sampled_from(
        [b"<", b">", b"&", b'"', b"<!---->", b"<x/>", b"</x>", b"cid:", b"#", b" Id='x'", b"\r\n", b"--"]
    ),
)


@given(PLACES, st.integers(0, 3), TEXTS)
def test_changed_message_is_refused_or_reads_as_signed(at: float, removed: int, inserted: bytes) -> None:
    assert read(changed(PLAIN, at, removed, inserted)) in (None, read(PLAIN))


@given(st.booleans(), PLACES, st.integers(0, 3), TEXTS)
def test_changed_message_with_attachments_is_refused_or_reads_as_signed(
    mtom: bool, at: float, removed: int, inserted: bytes
) -> None:
    sent = WITH_PARTS[mtom]
    assert read(changed(sent, at, removed, inserted)) in (None, read(sent))


@given(PLACES, PLACES, PLACES)
def test_message_with_a_piece_repeated_elsewhere_is_refused_or_reads_as_signed(
    start: float, end: float, to: float
) -> None:
    body = PLAIN.body
    first, last = sorted((int(start * len(body)), int(end * len(body))))
    assert read(changed(PLAIN, to, 0, body[first:last])) in (None, read(PLAIN))
