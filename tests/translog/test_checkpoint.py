"""Checkpoints as signed notes: made, read strictly, and believed only under a known key."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable

import pytest

from gateway.crypto.keys import CheckpointKey
from gateway.domain.errors import InputError, TrustError
from gateway.translog.checkpoint import Checkpoint, LogKey, parse_checkpoint, sign_checkpoint
from tests.translog.logs import ORIGIN, OTHER_ORIGIN

KEY = CheckpointKey.from_seed(secrets.token_bytes(32))
OTHER_KEY = CheckpointKey.from_seed(secrets.token_bytes(32))
LOG_KEY = LogKey.of(ORIGIN, KEY)
CHECKPOINT = Checkpoint(str(ORIGIN), 1000, bytes(range(32)))
NOTE = sign_checkpoint(CHECKPOINT, KEY)


def test_note_has_the_lines_of_the_specification() -> None:
    lines = NOTE.split("\n")
    assert lines[:4] == [str(ORIGIN), "1000", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""]
    assert lines[4].startswith(f"— {ORIGIN} ")
    assert base64.b64decode(lines[4].split(" ")[2])[:4] == LOG_KEY.key_id
    assert lines[5:] == [""]


def test_signed_checkpoint_is_believed_under_its_key_and_log() -> None:
    assert parse_checkpoint(NOTE).verify([LOG_KEY], str(ORIGIN)) == CHECKPOINT


def test_key_reads_back_from_its_text() -> None:
    assert LogKey.parse(str(LOG_KEY)) == LOG_KEY
    assert LogKey.parse(f"{LOG_KEY}\n") == LOG_KEY


def test_key_id_is_the_one_that_others_compute() -> None:
    # The public key of the Go checksum database, as its clients hold it.
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert str(LogKey.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        f"{LOG_KEY}A",
        str(LOG_KEY).replace("+", "+0", 1),
        f"x{LOG_KEY}",
        str(LOG_KEY)[:-4],
        f"a b{LOG_KEY}",
    ],
)
def test_key_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="LOG_KEY_MALFORMED"):
        LogKey.parse(text)


def test_key_of_another_algorithm_is_refused() -> None:
    ecdsa = base64.b64encode(b"\x02" + KEY.public_key_octets).decode()
    with pytest.raises(InputError, match="not an Ed25519 key"):
        LogKey.parse(f"{ORIGIN}+00000000+{ecdsa}")


def test_checkpoint_of_another_log_is_not_trusted() -> None:
    other = sign_checkpoint(Checkpoint(str(OTHER_ORIGIN), 1000, bytes(32)), KEY)
    with pytest.raises(TrustError, match="another log"):
        parse_checkpoint(other).verify([LOG_KEY], str(ORIGIN))


def test_checkpoint_under_an_unknown_key_is_not_trusted() -> None:
    with pytest.raises(TrustError, match="no known key"):
        parse_checkpoint(NOTE).verify([LogKey.of(ORIGIN, OTHER_KEY)], str(ORIGIN))
    with pytest.raises(TrustError, match="no known key"):
        parse_checkpoint(NOTE).verify([], str(ORIGIN))


def test_signature_of_another_key_beside_the_known_one_is_ignored() -> None:
    witness = "— witness.example AAAAAGFueXRoaW5n\n"
    assert parse_checkpoint(NOTE + witness).verify([LOG_KEY], str(ORIGIN)) == CHECKPOINT
    with pytest.raises(TrustError, match="no known key"):
        parse_checkpoint(CHECKPOINT.text() + "\n" + witness).verify([LOG_KEY], str(ORIGIN))


def test_either_key_is_accepted_after_a_change_of_keys() -> None:
    later = sign_checkpoint(CHECKPOINT, OTHER_KEY)
    keys = [LOG_KEY, LogKey.of(ORIGIN, OTHER_KEY)]
    assert parse_checkpoint(NOTE).verify(keys, str(ORIGIN)) == CHECKPOINT
    assert parse_checkpoint(later).verify(keys, str(ORIGIN)) == CHECKPOINT


@pytest.mark.parametrize("number", [0, 1, 31, 32, 63])
def test_changed_signature_is_not_trusted(number: int) -> None:
    head, _, signature = NOTE.rstrip("\n").rpartition(" ")
    octets = bytearray(base64.b64decode(signature))
    octets[4 + number] ^= 1
    changed = f"{head} {base64.b64encode(octets).decode()}\n"
    with pytest.raises(TrustError, match="does not verify"):
        parse_checkpoint(changed).verify([LOG_KEY], str(ORIGIN))


def test_changed_size_or_root_is_not_trusted() -> None:
    for changed in (NOTE.replace("1000", "1001"), NOTE.replace("AAEC", "AQEC")):
        with pytest.raises(TrustError, match="does not verify"):
            parse_checkpoint(changed).verify([LOG_KEY], str(ORIGIN))


def test_key_that_is_no_point_of_the_curve_verifies_nothing() -> None:
    key = LogKey(str(ORIGIN), b"\xff" * 32)
    note = f"{CHECKPOINT.text()}\n— {ORIGIN} {base64.b64encode(key.key_id + bytes(64)).decode()}\n"
    with pytest.raises(TrustError, match="does not verify"):
        parse_checkpoint(note).verify([key], str(ORIGIN))


CHANGES: list[tuple[str, Callable[[str], str]]] = [
    ("nothing", lambda note: ""),
    ("no signature", lambda note: note[: note.index("—")]),
    ("no end of line", lambda note: note[:-1]),
    ("one line more at the end", lambda note: note + "\n"),
    ("extension line", lambda note: note.replace("=\n\n", "=\nmore\n\n")),
    ("leading zero", lambda note: note.replace("\n1000\n", "\n01000\n")),
    ("negative size", lambda note: note.replace("\n1000\n", "\n-1\n")),
    ("size beyond all trees", lambda note: note.replace("\n1000\n", "\n9007199254740992\n")),
    ("digits of another script", lambda note: note.replace("\n1000\n", "\n١٠٠٠\n")),
    ("short root", lambda note: note.replace("AAECAwQF", "")),
    ("root with loose bits", lambda note: note.replace("Hh8=", "Hh9=")),
    ("carriage returns", lambda note: note.replace("\n", "\r\n")),
    ("hyphen for a dash", lambda note: note.replace("—", "-")),
    ("signature shorter than a key id", lambda note: note[: note.index("— ")] + f"— {ORIGIN} AAAA\n"),
    ("control character in the origin", lambda note: "\x07" + note),
    ("too many signatures", lambda note: note + note[note.index("—") :] * 40),
    ("endless", lambda note: note + "x" * 200_000),
]


@pytest.mark.parametrize("change", [row[1] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_note_in_another_form_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(InputError, match="LOG_CHECKPOINT_MALFORMED"):
        parse_checkpoint(change(NOTE))
