"""A file is added in a browser, with and without scripts: sent, looked at, loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.browser.conftest import served
from tests.company import build

pytest.importorskip("python_multipart")

SHOP = """contract_id,customer,monthly_fee,billing_cycle,from,until
{0}1,{0}acme,100,annual,2024-01-01,2024-01-31
{0}1,{0}acme,150,annual,2024-02-01,
{0}2,{0}bolt,-5,monthly,2024-01-01,
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A company that knows one account and nothing else."""
    made = build(tmp_path_factory.mktemp("added") / "p", {"accounts": [{"account_id": "zeta"}]})
    yield made
    made.close()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_file_is_sent_looked_at_under_an_option_and_loaded(
    browser: Any, own: Company, tmp_path: Path, has_scripts: bool
) -> None:
    complaints: list[str] = []
    mark = "j" if has_scripts else "n"
    file = tmp_path / f"shop {mark}.csv"
    file.write_text(SHOP.format(mark))
    with served(own) as address:
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, java_script_enabled=has_scripts
        )
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.goto(f"{address}/data/add")
        page.set_input_files("#chosen-file", str(file))
        page.locator("button", has_text="Look at it").click()
        page.locator("p", has_text="2 rows would be accepted, 1 rejected").wait_for()
        # An end on the last day leaves the 31st out: the proposal says so, and what would fix it.
        page.locator(".note", has_text="The ends are probably inclusive").wait_for()
        page.select_option("#ends", "inclusive")
        page.locator("button", has_text="Look again").click()
        assert "ends=inclusive" in page.url
        page.locator("caption", has_text="MRR of this file alone").wait_for()
        assert page.locator(".note", has_text="probably inclusive").count() == 0
        if mark == "n":
            page.check("#keep")
        page.locator("button", has_text="Load").click()
        page.locator("td", has_text="subscriptions").wait_for()
        assert page.locator("tbody tr").first.locator("td").all_inner_texts()[1:] == ["2", "0", "1"]
        context.close()
    assert complaints == []
    with own.reading() as engine:
        rows = engine.rows(
            "SELECT interval, amount, CAST(ends_on AS VARCHAR) FROM subscriptions "
            f"WHERE account_id = '{mark}acme' ORDER BY starts_at"
        )
    assert rows == [("month", 100_000_000, "2024-02-01"), ("month", 150_000_000, None)]
    assert (own.folder / "mappings" / "shop-n.toml").exists() is (mark == "n")
