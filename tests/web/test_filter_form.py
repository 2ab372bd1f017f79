"""Filters of several values, chosen in the form of a page without a script."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from fastapi.testclient import TestClient


def controls(html: str) -> str:
    start = html.index('<div class="controls">')
    return html[start:html.index("</form>", start)]


def sent(html: str) -> list[tuple[str, str]]:
    """What the form of a page sends as it stands."""
    form = controls(html)
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    for name, inside in re.findall(r'<select [^>]*name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.findall(r'value="([^"]*)" selected', inside)
        assert len(chosen) == 1, name
        pairs.append((name, chosen[0]))
    return pairs


def mrr(client: TestClient, address: str) -> float:
    panels = client.get(address).json()["panels"]
    rows = next(one["rows"] for one in panels if one["name"] == "figures")
    return float(next(row["value"] for row in rows if row["metric"] == "mrr"))


def test_a_second_value_is_added_and_taken_away(client: TestClient) -> None:
    html = client.get("/?plan=Basic").text
    pairs = sent(html)
    assert [value for name, value in pairs if name == "plan"] == ["Basic", ""]
    both = [*((n, v) for n, v in pairs if n != "plan"), ("plan", "Basic"), ("plan", "Pro")]
    found = client.get(f"/?{urlencode(both)}").text
    assert [value for name, value in sent(found) if name == "plan"][:2] == ["Basic", "Pro"]
    assert "plan = Basic | Pro" in found
    assert mrr(client, f"/.json?{urlencode(both)}") == (
        mrr(client, "/.json?plan=Basic") + mrr(client, "/.json?plan=Pro")
    ) > 0
    # One of the two lists is emptied: the other value stays.
    one = [*((n, v) for n, v in pairs if n != "plan"), ("plan", ""), ("plan", "Pro")]
    assert "plan = Pro" in client.get(f"/?{urlencode(one)}").text


def test_each_list_has_an_id_of_its_own_and_offers_no_value_twice(client: TestClient) -> None:
    form = controls(client.get("/?plan=Basic&plan=Pro").text)
    ids = re.findall(r'<select id="([^"]+)"', form)
    assert "choose-plan-2" in ids
    assert len(ids) == len(set(ids))
    first = form[form.index('id="choose-plan"'):]
    assert 'value="Pro"' not in first[:first.index("</select>")]


def test_a_filter_that_no_list_shows_goes_along(client: TestClient) -> None:
    pairs = sent(client.get("/?where=plan!=Pro").text)
    assert ("where", "plan!=Pro") in pairs
    assert ("plan", "") in pairs
