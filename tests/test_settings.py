"""A setting that is unknown, wrong or missing stops the start, and is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.app import open_installation
from gateway.domain.catalogue import Code
from gateway.domain.errors import BropostError, InputError
from gateway.settings import Settings, load_settings
from tests.development import change_settings, make_installation, pki_folder


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The settings file of a development installation."""
    return make_installation(tmp_path / "gateway")


def _refused(settings: Path) -> str:
    with pytest.raises(InputError) as refused:
        load_settings(settings)
    assert refused.value.code is Code.SETTINGS_INVALID
    what = str(refused.value.facts["what"])
    assert what.split(maxsplit=1)[0] in refused.value.danish
    return what


@pytest.mark.parametrize(
    ("section", "line", "named"),
    [
        ("server", "prot = 8443", "server.prot"),
        ("logging", 'level = "DEBUG"', "logging"),
        ("limits", 'attachments_bytes = "mange"', "limits.attachments_bytes"),
        ("limits", "attachments_bytes = -1", "limits.attachments_bytes"),
        ("worker", "lease_seconds = 1", "worker.lease_seconds"),
        ("deadlines", "delivery_hours = 100000", "deadlines.delivery_hours"),
        ("server", "threads = 0", "server.threads"),
        ("server", 'metrics_readers = ["intranet"]', "server.metrics_readers"),
        ("trust", "policies = []", "trust.policies"),
    ],
)
def test_a_setting_that_is_unknown_or_out_of_range_is_named(
    settings: Path, section: str, line: str, named: str
) -> None:
    change_settings(settings, section, line)
    assert _refused(settings).startswith(named)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('environment = "development"', 'environment = "live"', "environment"),
        ('installation = "', 'installation = "x', "installation"),
        ("tls_key = ", "# ", "server.tls_key"),
        ("revocation_lists = ", "# ", "trust.revocation_lists"),
        ("https://localhost", "http://localhost", "server.public_url"),
        ("sqlite:///", "postgresql://", "store.database"),
        ("[keys]", "[noegler]", "keys"),
    ],
)
def test_a_setting_that_is_wrong_or_missing_is_named(settings: Path, old: str, new: str, named: str) -> None:
    text = settings.read_text("utf-8")
    assert old in text
    settings.write_text(text.replace(old, new), encoding="utf-8")
    assert _refused(settings).startswith(named)


def test_settings_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    assert _refused(tmp_path / "none.toml") == f"{tmp_path / 'none.toml'} does not exist"
    assert str(tmp_path) in _refused(tmp_path)
    broken = tmp_path / "broken.toml"
    broken.write_text("[server\n", encoding="utf-8")
    assert f"{broken} is not TOML" in _refused(broken)
    broken.write_bytes(b"\xff\xfe")
    assert str(broken) in _refused(broken)


def test_the_address_of_a_server_is_taken_as_it_is(settings: Path) -> None:
    address = "postgresql+psycopg://bropost@/bropost?host=/run/postgresql"
    text = settings.read_text("utf-8").replace("sqlite:///bropost.db", address)
    settings.write_text(text, encoding="utf-8")
    assert load_settings(settings).store.database == address


def test_relative_paths_count_from_the_settings_file(settings: Path) -> None:
    loaded = load_settings(settings)
    assert loaded.store.database == f"sqlite:///{settings.parent / 'bropost.db'}"
    assert loaded.store.blobs == settings.parent / "blobs"
    assert loaded.keys.key_store == settings.parent / "keys"
    assert loaded.trust.roots == [pki_folder() / "root.cer"]


def _fields(model: type[BaseModel], place: str = "") -> Iterator[tuple[str, str | None]]:
    """Every setting with its description."""
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield f"{place}{name}", section.__doc__
            yield from _fields(section, f"{place}{name}.")
        else:
            yield f"{place}{name}", field.description


def test_every_setting_says_what_it_does() -> None:
    described = dict(_fields(Settings))
    assert len(described) > 30
    assert [place for place, text in described.items() if not (text or "").strip().endswith(".")] == []


# --- what the start itself refuses ---------------------------------------------------------------------


def _not_started(settings: Path) -> BropostError:
    with pytest.raises(BropostError) as refused:
        open_installation(load_settings(settings))
    return refused.value


@pytest.mark.parametrize("environment", ["production", "test"])
def test_a_development_root_is_refused_outside_development(settings: Path, environment: str) -> None:
    text = settings.read_text("utf-8")
    settings.write_text(text.replace('"development"', f'"{environment}"'), encoding="utf-8")
    assert _not_started(settings).code is Code.DEVELOPMENT_ROOT


@pytest.mark.parametrize(
    "name", ["seal_key", "seal_chain", "checkpoint_key", "roots", "intermediates", "institutions"]
)
def test_a_file_that_is_not_there_is_named(settings: Path, name: str) -> None:
    text = settings.read_text("utf-8")
    (line,) = (each for each in text.splitlines() if each.startswith(f"{name} = "))
    settings.write_text(text.replace(line, line.replace(".", "-gone.", 1)), encoding="utf-8")
    error = _not_started(settings)
    assert error.code is Code.SETTINGS_INVALID
    assert "-gone." in str(error.facts["what"])


@pytest.mark.parametrize("own", ["gateway-seal.", "gateway-message."])
def test_a_certificate_of_the_gateways_own_that_does_not_hold_is_refused(settings: Path, own: str) -> None:
    text = settings.read_text("utf-8")
    settings.write_text(text.replace(own, "bad-expired."), encoding="utf-8")
    assert _not_started(settings).code is Code.CERTIFICATE_TIME


def test_the_store_of_another_installation_is_refused(settings: Path) -> None:
    open_installation(load_settings(settings)).database.close()
    text = settings.read_text("utf-8")
    (line,) = (each for each in text.splitlines() if each.startswith("installation = "))
    other = 'installation = "5b0f9d1e-7c2a-4e6b-8f3d-1a2b3c4d5e6f"'
    settings.write_text(text.replace(line, other), encoding="utf-8")
    assert _not_started(settings).code is Code.SETTINGS_INVALID
