"""What is dear to compute is kept beside the files that it rests on, and only for these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from staycurve.insights.lifecycle import lifecycle_spans
from staycurve.insights.lifecycle.visits import AccountVisit
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.web import site
from staycurve.sources.files import load_files
from staycurve.tables.duckdb_engine import Engine
from staycurve.tables.kept import KEPT
from staycurve.workspace import Company
from tests.company import NOW, build, write_csv

SPANS = {"subscriptions": """
    subscription_id account_id starts_at  ends_at    amount
    s1              acme       2024-01-05 -          100
    s2              bolt       2024-02-05 2024-06-01 50"""}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with build(tmp_path / "p", SPANS) as company:
        company.lifecycle.history(account="acme")
        yield tmp_path / "p"


def history(folder: Path, account: str = "bolt") -> tuple[AccountVisit, ...]:
    with Company(folder, clock=lambda: NOW) as company:
        answer = company.lifecycle.history(account=account, as_of="2025-01-01")
    return cast(tuple[AccountVisit, ...], answer.rows)


def kept(folder: Path) -> list[Path]:
    return sorted((folder / ".tmp").glob("lifecycle_spans-*"))


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("it was computed again")


def test_another_process_reads_what_one_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = history(folder)
    assert [row.stage for row in found][-1] == "lapsed"
    monkeypatch.setattr(lifecycle_spans, "keep", refuse)
    assert history(folder) == found
    with Company(folder, clock=lambda: NOW) as company:
        assert company.show("mrr", by="lifecycle", end="2024-03").rows


def test_other_facts_have_an_answer_of_their_own(folder: Path, tmp_path: Path) -> None:
    before = kept(folder)
    with Company(folder, clock=lambda: NOW) as company:
        path = write_csv(tmp_path / "more.csv", [
            {"subscription_id": "s2", "account_id": "bolt", "starts_at": "2024-02-05",
             "ends_at": "", "amount": "50"}
        ])
        load_files(company.lake, company.config, [path], now=NOW, table="subscriptions")
        company.refresh()
    assert "lapsed" not in [row.stage for row in history(folder)]
    assert len(kept(folder)) == len(before) + 1


def test_other_rules_have_an_answer_of_their_own(folder: Path) -> None:
    found = history(folder)
    settings = folder / "staycurve.toml"
    settings.write_text(settings.read_text() + "\n[lifecycle]\ntenure_days = 10\n")
    assert history(folder) != found


def test_only_the_latest_answers_stay(folder: Path) -> None:
    settings = folder / "staycurve.toml"
    text = settings.read_text()
    for days in range(20, 20 + KEPT + 2):
        settings.write_text(f"{text}\n[lifecycle]\ntenure_days = {days}\n")
        history(folder)
    assert len(kept(folder)) == KEPT


@pytest.mark.parametrize("left", [b"", b"PAR1 and nothing more"])
def test_a_file_without_its_content_is_computed_again(folder: Path, left: bytes) -> None:
    found = history(folder)
    (own,) = kept(folder)
    for file in own.iterdir():
        file.write_bytes(left)
    assert history(folder) == found
    assert history(folder) == found


def test_nowhere_to_keep_it_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = history(folder)
    for own in kept(folder):
        for file in own.iterdir():
            file.unlink()
        own.rmdir()

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Engine, "write", full)
    assert history(folder) == found
    assert kept(folder) == []


def test_what_is_put_off_is_made_when_it_is_named(tmp_path: Path) -> None:
    made: list[str] = []
    with Engine(tmp_path) as engine:

        def make() -> None:
            made.append("now")
            if len(made) == 1:
                raise KeyError("the first time it fails")
            engine.keep("dear", "SELECT 7 AS n")

        engine.later("dear", make)
        assert engine.value("SELECT 1") == 1
        # A name that holds it is another one.
        engine.keep("dearest", "SELECT 8 AS n")
        assert engine.value("SELECT n FROM dearest") == 8
        assert made == []
        with pytest.raises(KeyError):
            engine.rows("SELECT n FROM dear")
        assert engine.rows("SELECT n FROM dear") == [(7,)]
        assert engine.value("SELECT n FROM dear") == 7
        assert made == ["now", "now"]


def test_a_server_that_has_warmed_up_has_kept_them(tmp_path: Path) -> None:
    with build(tmp_path / "p", SPANS) as company:
        warmed = create_app(company).state.site
        assert kept(company.folder) == []
        warmed.warm()
        assert len(kept(company.folder)) == 1


def test_a_server_that_has_warmed_up_has_compiled_every_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.templates.cache_clear()
    with build(tmp_path / "p", SPANS) as company:
        warmed = create_app(company).state.site
        warmed.warm()
        compiled: list[str] = []
        monkeypatch.setattr(
            warmed.templates, "compile", lambda *given: pytest.fail(f"compiled late: {given[1]}")
        )
        for name in warmed.templates.list_templates():
            compiled.append(warmed.templates.get_template(name).name)
        assert {"page.html", "panels/series.html"} <= set(compiled)
        assert create_app(company).state.site.templates is warmed.templates
