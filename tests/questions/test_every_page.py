"""Every page filtered by every dimension: an answer or a reason."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.web.pages import PAGES
from tests.questions.asking import ask
from tests.questions.whole_company import GIVEN, bundles, filled

ASKED = [name for name, page in PAGES.items() if "{alert}" not in page.address]
"""No alert is open in this company; tests/work asks for the page of one that is."""


@pytest.mark.parametrize("key", ASKED)
def test_a_page_answers_every_dimension_or_says_why_not(
    asker: TestClient, filters: dict[str, str], key: str
) -> None:
    page = PAGES[key]
    named = set(page.takes)
    path = "/.json" if page.address == "/" else filled(page.address) + ".json"
    least: dict[str, str] = {}
    first = asker.get(path)
    if first.status_code != 200:
        least = {name: value for name, value in (GIVEN | {"step": "signed_up"}).items()
                 if name in named and isinstance(value, str)}
        first = asker.get(path, params=least)
    assert first.status_code == 200, first.text
    for dims in bundles(list(filters)):
        for name in ("where", *({"by"} & set(page.options))):
            ask(asker, path, least, dims, filters, name=name)
