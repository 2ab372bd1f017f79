"""A project that an earlier version made: it opens, refreshes and answers the same.

`earlier/project-r0002.tar.xz` was written by the version whose newest migration of app state was
0002, with the data below; what that version answered stands here.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from staycurve.sources.files import load_files
from staycurve.state import migrating
from staycurve.workspace import Company
from staycurve.workspace.backups import back_up, restore
from tests.company import NOW, rows_of, write_csv

KEPT = Path(__file__).parent / "earlier" / "project-r0002.tar.xz"
ANSWERED = {
    # 100 of acme; then 40 and 60 more; acme goes up by 50; bolt leaves.
    "mrr": [100.0, 200.0, 250.0, 210.0],
    "customers": [1.0, 3.0, 3.0, 2.0],
    "churned_mrr": [0.0, 0.0, 0.0, 40.0],
    "mau": [0.0, 2.0, 2.0, 0.0],
    "nps": [None, 0.0, None, None],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("earlier")
    with tarfile.open(KEPT) as archive:
        archive.extractall(target, filter="data")
    return target / "project"


def answers(company: Company) -> dict[str, list[float | None]]:
    return {
        name: [row["value"] for row in company.show(name, start="2024-01", end="2024-04").rows]
        for name in ANSWERED
    }


def test_it_opens_refreshes_and_answers_the_same(folder: Path) -> None:
    with Company(folder, clock=lambda: NOW) as company:
        if company.is_due():
            company.refresh()
        assert answers(company) == ANSWERED
        company.refresh(is_full=True)
        assert answers(company) == ANSWERED
        (closed,) = company.closed().rows
        assert (closed.month, closed.figures_changed, closed.accounts_changed) == ("2024-02", 0, 0)
        assert company.restatements().rows == ()
        # App state is migrated by the first who uses it, and holds what it held.
        assert [(view.name, view.query) for view in company.state.views()] == [
            ("Pro", "where=plan=Pro")
        ]
        assert [one.text for one in company.state.annotations()] == ["Price rise"]
        with company.state.database.reading() as session:
            assert migrating.revision(session.connection()) == migrating.HEAD


def test_it_goes_on_as_any_project(folder: Path, tmp_path: Path) -> None:
    with Company(folder, clock=lambda: NOW) as company:
        back_up(company, tmp_path / "earlier.tar")
    restore(tmp_path / "earlier.tar", tmp_path / "moved")
    with Company(tmp_path / "moved", clock=lambda: NOW) as moved:
        more = rows_of("""
            subscription_id account_id plan starts_at  amount
            s9              crux       Pro  2024-03-01 5""")
        path = write_csv(tmp_path / "subscriptions.csv", more)
        load_files(moved.lake, moved.config, [path], now=NOW)
        moved.refresh()
        assert answers(moved)["mrr"] == [100.0, 200.0, 255.0, 215.0]
        done = moved.personal.forget("u1")
        assert done.tables["events"] >= 2
        assert answers(moved)["mau"] == ANSWERED["mau"]
        moved.books.undo()
        moved.refresh()
        assert answers(moved) == ANSWERED
