"""Addresses written to break the server: each gets an answer or a reason, never a fault."""

from __future__ import annotations

import random

import pytest
from fastapi.testclient import TestClient

from staycurve.interfaces.web.pages import PAGES

HOSTILE = (
    "", "%", "%00", "%FF", "%C0%AF", "a%00b", "%ED%A0%80", "'", "%22", "''--", ";DROP TABLE x",
    "{}",
    "{{7*7}}", "../../etc/passwd", "-1", "0", "1e309", "99999999999999999999", "-0", "NaN",
    "Infinity", "1_000", "%D9%A3", "2024-13", "2024-02-30", "2024-W60", "0000", "2024-Q5",
    "2024-03", "9999-12-31T23:59:59%2B14:00", "0001-01-01T00:00:00-23:59", "2024-03-10T25:00",
    "1970-01-01", "cohort=2024-01", "cohort=", "=", "!=", "a=b=c", "plan=Basic|", "plan!=",
    "nowhere=x", "cohort=%2500", "tenure=3-5%20months|%00", ",,,", "plan,plan", "plan," * 60,
    "x" * 5000, "%F0%9F%92%A9", "%E2%80%AE", "%0D%0ASet-Cookie:a=b", "<script>", "account_id",
    "lifecycle_now", "mrr", "true", "day", "year", "json", "csv",
)
NAMES = (
    "as_of", "from", "to", "end", "grain", "by", "where", "period", "metric", "page", "panel",
    "format", "age", "cohort", "cohort_value", "cohort_as", "cohort_month", "month", "value", "as",
    "known_at", "under", "against", "step", "step1", "window", "per", "size", "top", "members",
    "plan", "feature", "account", "stage", "part", "within", "without", "horizon", "unheard_of",
    "%00", "", "a[]", "loads_to", "load", "start", "ages", "windows", "whose", "anchor", "day",
)


def addresses(client: TestClient, seed: int, count: int) -> list[str]:
    """So many addresses, drawn from every page, its twin and the API."""
    drawn = random.Random(seed)
    api = client.get("/api/openapi.json").json()["paths"]
    pages = [page.address for _name, page in PAGES.items()]
    bases = [*api, *pages, *(page + ".json" for page in pages if page != "/"), "/.json"]
    found = []
    for number in range(count):
        base = bases[number % len(bases)]
        path = "".join(
            drawn.choice(["mrr", "a1", drawn.choice(HOSTILE).replace("/", "%2F") or "x"])
            if part.startswith("{") else part
            for part in base.replace("{", "\n{").replace("}", "}\n").split("\n")
        )
        declared = [
            one["name"] for one in api.get(base, {}).get("get", {}).get("parameters", [])
        ]
        names = [
            drawn.choice(declared or NAMES) if drawn.random() < 0.8 else drawn.choice(NAMES)
            for _ in range(drawn.randint(1, 3))
        ]
        if drawn.random() < 0.2:
            names.append(names[0])
        query = "&".join(f"{name}={drawn.choice(HOSTILE)}" for name in names)
        found.append(f"{path}?{query}".replace("?", "?format=csv&", int(drawn.random() < 0.1)))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_no_hostile_address_is_a_fault(asker: TestClient, seed: int) -> None:
    asked = addresses(asker, seed, 150)
    assert len(set(asked)) > 140
    failed = {}
    for place, address in enumerate(asked):
        accept = "text/html" if place % 3 else "application/json"
        answer = asker.get(address, headers={"accept": accept})
        if answer.status_code >= 500:
            failed[address[:300]] = answer.text[:200]
    assert failed == {}
