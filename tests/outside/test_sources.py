"""A kind of source that another package declares, as everybody who uses it meets it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs import generate
from staycurve.config import parse
from staycurve.errors import ConfigError
from staycurve.interfaces.api.sources import sources_answer
from staycurve.sections import SECTIONS
from staycurve.sources import syncing
from staycurve.sources.base import SOURCES
from tests.outside import installed
from tests.outside.guests import GUESTS, opened, project, write


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "site").mkdir()
    with installed(tmp_path / "site", SECTIONS, SOURCES):
        yield


@pytest.fixture
def folder(tmp_path: Path, outside: None) -> Path:
    return project(tmp_path / "project")


def synced(folder: Path, **more: Any) -> dict[str, tuple[int, int, int]]:
    """Stream → accepted, replaced, rejected, of a sync in which nothing failed."""
    with opened(folder) as company:
        reports = company.sources.sync(**more)
    assert [report.errors for report in reports] == [(), ()]
    return {
        report.stream: (report.count("accepted"), report.count("replaced"),
                        report.count("rejected"))
        for report in reports
    }


def held(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with opened(folder) as company, company.reading() as engine:
        return engine.rows(sql)


def test_its_rows_come_in_and_count(folder: Path) -> None:
    assert synced(folder) == {"companies": (3, 0, 0), "contracts": (2, 0, 0)}
    with opened(folder) as company:
        company.refresh()
        rows = company.show("mrr", start="2024-01", end="2024-02", as_of="2024-03-01").rows
    assert [row["value"] for row in rows] == [100.0, 150.0]
    assert held(folder, "SELECT account_id, name FROM accounts ORDER BY 1") == [
        ("acme", "Acme"), ("bolt", "Bolt"), ("cube", "Cube")
    ]


def test_the_next_sync_brings_what_changed_since(folder: Path) -> None:
    synced(folder)
    assert synced(folder) == {"companies": (0, 0, 0), "contracts": (0, 0, 0)}
    changed = {**GUESTS[3], "monthly": 70, "changed": "2024-03-01T00:00:00Z"}
    write(folder, [*GUESTS[:3], changed, GUESTS[4]])
    assert synced(folder) == {"companies": (0, 0, 0), "contracts": (0, 1, 0)}
    assert held(folder, "SELECT amount FROM subscriptions ORDER BY subscription_id") == [
        (70_000_000,), (50_000_000,)
    ]


def test_full_and_since_read_again_what_was_read(folder: Path) -> None:
    synced(folder)
    assert synced(folder, is_full=True) == {"companies": (0, 3, 0), "contracts": (0, 2, 0)}
    assert synced(folder, since="2024-01-03") == {"companies": (0, 1, 0), "contracts": (0, 2, 0)}
    assert synced(folder) == {"companies": (0, 0, 0), "contracts": (0, 0, 0)}


def test_a_dry_run_counts_and_changes_nothing(folder: Path) -> None:
    assert synced(folder, is_dry_run=True) == {"companies": (3, 0, 0), "contracts": (2, 0, 0)}
    with opened(folder) as company:
        assert company.loads() == []
        assert [state.cursor for state in company.sources.listed()] == [None, None]


def test_rows_that_do_not_fit_are_rejected_with_the_reason(folder: Path) -> None:
    write(folder, [
        *GUESTS,
        {"type": "contract", "id": "c3", "company": "acme", "from": "2024-01-05",
         "monthly": "much", "changed": "2024-03-01T00:00:00Z"},
        {"type": "contract", "id": "c4", "surprise": {"x": 1}, "changed": "2024-03-02T00:00:00Z"},
    ])
    assert synced(folder) == {"companies": (3, 0, 0), "contracts": (2, 0, 2)}
    with opened(folder) as company:
        found = [(r["table"], r["file"], r["line"], r["column"], r["value"], r["rule"])
                 for r in company.rejects()]
    assert [row[:5] for row in found] == [
        ("subscriptions", "guests/contracts", 3, "amount", "much"),
        ("subscriptions", "guests/contracts", 4, "account_id", ""),
    ]
    assert all(row[5] for row in found)


def test_a_page_of_bad_rows_does_not_stop_the_stream(folder: Path) -> None:
    synced(folder)
    bad = {"type": "contract", "id": "c3", "from": "soon", "changed": "2024-03-01T00:00:00Z"}
    write(folder, [*GUESTS, bad])
    assert synced(folder)["contracts"] == (0, 0, 1)
    assert synced(folder)["contracts"] == (0, 0, 0)
    # A later batch says nothing of it: it is still rejected, and listed.
    good = {"type": "contract", "id": "c4", "company": "acme", "from": "2024-06-05",
            "monthly": 10, "changed": "2024-06-05T00:00:00Z"}
    write(folder, [*GUESTS, bad, good])
    assert synced(folder)["contracts"] == (1, 0, 0)
    with opened(folder) as company:
        assert [row["value"] for row in company.rejects()] == [""]
    fixed = {**bad, "company": "acme", "from": "2024-09-01", "monthly": 5,
             "changed": "2024-09-01T00:00:00Z"}
    write(folder, [*GUESTS, fixed, good])
    assert synced(folder)["contracts"] == (1, 0, 0)


def test_a_row_that_stays_broken_is_listed_once(folder: Path) -> None:
    row = {"type": "contract", "id": "c3", "company": "acme", "from": "2024-01-05"}
    for month, monthly in ((3, "much"), (4, "more")):
        write(folder, [*GUESTS, {**row, "monthly": monthly,
                                 "changed": f"2024-0{month}-01T00:00:00Z"}])
        synced(folder)
    with opened(folder) as company:
        assert [r["value"] for r in company.rejects()] == ["more"]


def test_what_was_committed_before_a_failure_stays_and_the_next_sync_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STAYCURVE_FAULTS", raising=False)
    monkeypatch.setattr(syncing, "ROWS_AT_ONCE", 2)
    write(folder, [*GUESTS[:2], {**GUESTS[2], "is_down": True}, *GUESTS[3:]])
    with opened(folder) as company:
        companies, contracts = company.sources.sync()
        assert companies.error is not None
        assert companies.error.message == "RuntimeError: HTTP 503 from /guests?token="
        assert companies.count("accepted") == 2
        assert (contracts.errors, contracts.count("accepted")) == ((), 2)
        states = company.sources.listed()
    assert [str(state.cursor.at) for state in states if state.cursor] == [
        "2024-01-02T00:00:00Z bolt", "2024-02-05T00:00:00Z c2"
    ]
    assert (states[0].last_error, states[1].last_error) == (companies.error.message, None)
    # It was never read to its end; how far behind it is, nobody knows.
    assert (states[0].lag_seconds, states[1].lag_seconds) == (None, 0)
    write(folder, GUESTS)
    assert synced(folder) == {"companies": (1, 0, 0), "contracts": (0, 0, 0)}
    assert len(held(folder, "SELECT * FROM accounts")) == 3


def test_an_undone_batch_does_not_come_again_by_itself(folder: Path) -> None:
    synced(folder)
    with opened(folder) as company:
        contracts = company.loads()[-1]
        company.books.undo(contracts.load)
    assert held(folder, "SELECT * FROM subscriptions") == []
    assert synced(folder) == {"companies": (0, 0, 0), "contracts": (0, 0, 0)}
    assert synced(folder, is_full=True)["contracts"] == (2, 0, 0)


SECRET = "sk_live_do_not_show"


def test_a_secret_is_looked_up_late_and_never_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STAYCURVE_FAULTS", raising=False)
    path = folder / "staycurve.toml"
    path.write_text(path.read_text() + 'token = { env = "GUESTS_TOKEN" }\n')
    monkeypatch.delenv("GUESTS_TOKEN", raising=False)
    with opened(folder) as company:
        # Without the variable everything else works.
        assert len(company.sources.listed()) == 2
        errors = [report.error for report in company.sources.sync()]
    assert [error.message for error in errors if error] == [
        "The environment variable GUESTS_TOKEN is not set."
    ] * 2
    monkeypatch.setenv("GUESTS_TOKEN", SECRET)
    write(folder, [{**row, "is_down": True} for row in GUESTS])
    with opened(folder) as company:
        reports = company.sources.sync()
        listed = json.dumps(sources_answer(company))
        shown = repr(company.config) + repr(reports) + listed
    assert [report.error.message for report in reports if report.error] == [
        "RuntimeError: HTTP 503 from /guests?token=•••"
    ] * 2
    kept = "".join(
        file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file()
    )
    assert SECRET not in shown
    assert SECRET not in kept


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize(("lines", "said"), [
    ('kind = "guestbok"', "[sources.crm] kind = 'guestbok' is not a kind of source. "
     "Did you mean 'guestbook'?"),
    ('kind = 5', "[sources.crm] kind takes the name of a kind of source, not 5."),
    ('path = "x"', "[sources.crm] needs kind."),
    ('kind = "guestbook"', "[sources.crm] needs path."),
    ('kind = "guestbook"\npath = "x"\npage = 0',
     "[sources.crm] page takes a whole number from 1 to 100, not 0."),
    ('kind = "guestbook"\npath = "x"\npge = 1',
     "unknown key [sources.crm] 'pge'. Did you mean 'page'?"),
    ('kind = "guestbook"\npath = "x"\ntoken = "sk_live_do_not_show"',
     "[sources.crm] token takes the environment variable that holds the secret, never the secret "
     "itself."),
])
def test_what_is_wrong_in_its_section_is_named(lines: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"[sources.crm]\n{lines}")
    assert caught.value.message == f"staycurve.toml: {said}"
    assert caught.value.hint
    assert SECRET not in caught.value.hint


@pytest.mark.usefixtures("outside")
def test_the_reference_has_a_part_for_it_with_its_fields() -> None:
    page = generate.sources_page()
    assert "## guestbook" in page
    for row in ("| `token` | the variable that holds the token |",
                "| `contracts` | What they signed. | [subscriptions](tables.md#subscriptions) "
                "| `id`, `from` | when a contract changed |",
                "| `monthly` | `amount` |"):
        assert row in page


def test_without_the_package_its_kind_is_unknown() -> None:
    with pytest.raises(ConfigError, match="'guestbook' is not a kind of source"):
        parse('[sources.crm]\nkind = "guestbook"\npath = "x"')
