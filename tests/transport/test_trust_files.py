"""What cannot be read of the revocation lists is told to the operations log once, as facts."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from gateway.domain.catalogue import Code
from gateway.transport.trust_files import TrustFiles
from tests.pki import development_pki


@pytest.mark.parametrize(
    ("content", "code", "kind"),
    [
        (None, None, "FileNotFoundError"),
        (b"no list", Code.REVOCATION_LIST_UNTRUSTED.name, "TrustError"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_once_with_its_file_and_why(
    tmp_path: Path, content: bytes | None, code: str | None, kind: str
) -> None:
    path = tmp_path / "issuing.crl"
    if content is not None:
        path.write_bytes(content)
    pki = development_pki()
    trust = TrustFiles(pki.trust_store(), [path], look_seconds=0)
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            assert trust.current(pki.at).revocations.lists == ()
    told = {"event": "revocation list not read", "file": "issuing.crl", "code": code, "kind": kind}
    assert logs == [told | {"log_level": "warning"}]
