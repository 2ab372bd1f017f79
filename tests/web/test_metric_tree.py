"""The metric tree on /value: a nested list whose parts sum, with links."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient

from staycurve.interfaces.web.ask import read
from staycurve.interfaces.web.metric_tree import compact
from staycurve.workspace import Company

HOW = "panel=tree&as_of=2024-04-01"


def test_parts_stand_below_what_they_are_a_part_of(client: TestClient) -> None:
    html = client.get(f"/value?{HOW}").text
    lists = re.findall(r'<ul class="parts" data-tree aria-label="[^"]+">', html)
    assert len(lists) == 1
    inner = html[html.index(lists[0]):]
    # The parts of MRR stand inside of its item, before the next metric begins.
    mrr, new, nrr = (
        inner.index(f'id="tree-part-{name}"') for name in ("mrr", "mrr/new_mrr", "nrr")
    )
    assert mrr < new < nrr
    assert "<ul>" in inner[mrr:new]
    assert 'href="/metrics/new_mrr?as_of=2024-04-01"' in inner


def test_its_twin_sums_and_says_what_stands_beside_it(client: TestClient) -> None:
    (found,) = [
        one for one in client.get(f"/value.json?{HOW}").json()["panels"] if one["name"] == "tree"
    ]
    rows = {row["path"]: row for row in found["rows"]}
    parts = [row["contribution"] for row in found["rows"] if row["parent"] == "mrr"]
    assert len(parts) > 4
    # By hand: 230 at the close of February, 210 at that of March.
    assert (rows["mrr"]["value_from"], rows["mrr"]["value_to"]) == (230, 210)
    assert sum(parts) == rows["mrr"]["change"] == -20
    assert {"nps", "csat", "arr"} <= {one["metric"] for one in found["linked"]}


def test_other_pages_can_show_its_first_parts(company: Company) -> None:
    view = compact(read(company, "/", [("as_of", "2024-04-01")]))
    assert [one.label for one in view.items] == [
        "MRR", "Net revenue retention", "Customer lifetime value, margin",
    ]
    assert [one.contribution.text for one in view.items[1].items]
    assert not any(two.items for one in view.items for two in one.items)
