"""Keys: shown once, kept as a digest, scoped, revoked, and their last use."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import text

from staycurve.errors import UnknownNameError, UsageError
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company


def test_a_key_opens_until_it_is_revoked(company: Company) -> None:
    made, shown = company.state.create_key("ingest", name="web", by="Ana")
    assert company.state.checked_key(shown) == made
    assert company.state.checked_key(shown[:-1]) is None
    assert company.state.checked_key(shown.upper()) is None
    assert company.state.checked_key(f"sck_00000000_{shown.split('_', 2)[2]}") is None
    assert company.state.revoke_key(made.prefix).revoked_at is not None
    assert company.state.checked_key(shown) is None
    assert [entry.what for entry in company.state.audit()] == ["key.revoked", "key.created"]


def test_a_key_holds_32_random_bytes_and_is_kept_nowhere(company: Company) -> None:
    _, shown = company.state.create_key("ingest")
    secret = shown.split("_", 2)[2]
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    with company.state.database.reading() as session:
        kept = session.execute(text("SELECT * FROM keys")).all()
        told = session.execute(text("SELECT * FROM audit")).all()
    assert kept
    assert secret not in f"{kept}{told}"


@pytest.mark.parametrize("given", ["", "sck", "sck_", "a_b_c", "sck_%_x", "é" * 300, "\0"])
def test_what_is_no_key_opens_nothing(company: Company, given: str) -> None:
    company.state.create_key("ingest")
    assert company.state.checked_key(given) is None


def test_the_last_use_is_kept_to_the_minute(company: Company) -> None:
    made, shown = company.state.create_key("ingest")
    company.state.note_key_use(made)
    (used,) = company.state.known_keys()
    first = used.last_used_at
    assert first is not None

    def at(seconds: int) -> None:
        company.state._clock = lambda: first + dt.timedelta(seconds=seconds)

    at(59)
    company.state.note_key_use(used)
    assert company.state.known_keys() == (used,)
    at(61)
    company.state.note_key_use(used)
    again = company.state.checked_key(shown)
    assert again is not None
    assert again.last_used_at == first + dt.timedelta(seconds=61)


def test_an_unknown_scope_or_key_is_an_error(company: Company) -> None:
    with pytest.raises(UsageError, match="no scope"):
        company.state.create_key("everything")
    with pytest.raises(UnknownNameError, match="99"):
        company.state.revoke_key("99")


def test_create_prints_the_key_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Company.create(tmp_path / "p", name="Test", currency="USD", timezone="UTC")

    def run(*words: str) -> str:
        app(["--project", str(tmp_path / "p"), *words], standalone_mode=False)
        return capsys.readouterr().out

    shown = run("keys", "create", "--scope", "ingest", "--name", "web")
    assert shown.startswith("sck_")
    assert len(shown.split()) == 1
    assert shown.strip() not in run("keys", "list", "--format", "json")
    assert "web" in run("keys", "list")
    assert "Revoked key 1" in run("keys", "revoke", "1")
