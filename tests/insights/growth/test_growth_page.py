"""The page Growth: beside Risk, with every answer on it."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient

from staycurve.interfaces.api.app import create_app
from staycurve.workspace import Company
from tests.insights.growth.growing import AS_OF


def test_the_page_has_what_the_questions_answer(growing: Company) -> None:
    client = TestClient(create_app(growing))
    # Asked before, each is kept: the page has a minute for what it shows, whatever else runs.
    work = growing.growth.worklist(as_of=AS_OF)
    growing.growth.expansion(as_of=AS_OF)
    page = client.get(f"/growth?as_of={AS_OF}").text
    group = page[page.index('href="/risk'):]
    assert re.search(r'href="/track-record[^>]*>[^<]*</a>.{0,80}href="/growth', group, re.DOTALL)
    for panel in ("worklist", "signals", "expansion", "backtest", "next", "drivers"):
        assert f'id="{panel}"' in page
    text = client.get(f"/growth?as_of={AS_OF}&panel=worklist").text
    assert work.rows[0].account_id in text
    assert "at risk with an MRR of" in text
    rows = client.get(f"/growth.json?as_of={AS_OF}").json()["panels"]
    found = {one["name"]: one["rows"] for one in rows}
    assert [row["account_id"] for row in found["worklist"]] == [row.account_id for row in work.rows]
    assert all(found.values())
