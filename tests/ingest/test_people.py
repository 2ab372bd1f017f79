"""Who a person is: the same people in every order of arrival, and the past counts for them."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from staycurve.interfaces.cli.app import app
from staycurve.sources.files import load_files
from staycurve.sources.sent.knowing import Known, partial_rows, settled, value_of
from staycurve.tables import people
from staycurve.tables.duckdb_engine import Engine
from staycurve.workspace import Company
from tests.company import build
from tests.ingest.conftest import NOW, Ours, asked, made

DAY = "2026-11-{:02}T10:00:00.000Z"


def sent(day: int, kind: str, **more: Any) -> dict[str, Any]:
    body = {"type": kind, "timestamp": DAY.format(day), **more}
    return {**body, "messageId": json.dumps(body)[:150]}


HISTORY = [
    sent(1, "track", anonymousId="laptop", event="Used"),
    sent(2, "track", anonymousId="phone", event="Used"),
    sent(3, "identify", userId="ann", anonymousId="laptop", traits={"role": "user"}),
    sent(4, "track", userId="ann", event="Used"),
    sent(5, "identify", userId="ann", anonymousId="phone", traits={"role": "admin"}),
    # Ben signs in on Ann's laptop: what was done there before he came stays hers.
    sent(6, "identify", userId="ben", anonymousId="laptop", traits={"role": "user"}),
    sent(7, "track", userId="ben", anonymousId="laptop", event="Used"),
    sent(8, "alias", userId="anna", previousId="ann"),
    sent(9, "track", userId="anna", event="Used"),
    sent(9, "group", userId="anna", groupId="acme", traits={"industry": "EdTech"}),
    sent(10, "group", userId="ben", groupId="acme", traits={"industry": "Retail"}),
]

# Worked out by hand: four days of Ann's under three ids, then one as anna; one of Ben's.
DAYS = [("anna", 1), ("anna", 2), ("anna", 4), ("anna", 9), ("ben", 7)]


def state(ours: Ours) -> list[Any]:
    return [
        ours.rows("SELECT user_id, CAST(day(day) AS INTEGER) FROM usage_days ORDER BY 1, 2"),
        ours.rows("SELECT alias, user_id, since FROM identities ORDER BY 1"),
        ours.rows("SELECT user_id, account_id, role FROM users ORDER BY 1"),
        ours.rows("SELECT account_id, industry FROM accounts"),
        ours.rows("SELECT user_id, month_on, days, uses, first_on FROM user_months ORDER BY 1"),
    ]


def test_the_past_counts_for_the_person_that_an_id_turned_out_to_be(ours: Ours) -> None:
    ours.post("/v1/batch", {"batch": HISTORY})
    days, _, users, accounts, months = state(ours)
    assert days == DAYS
    assert users == [("ann", None, "admin"), ("anna", "acme", None), ("ben", "acme", "user")]
    assert accounts == [("acme", "Retail")]
    assert [(user, str(first)) for user, _, _, _, first in months] == [
        ("anna", "2026-11-01"), ("ben", "2026-11-07")
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_of_arrival_gives_the_same_people(
    ours: Ours, tmp_path: Path, seed: int
) -> None:
    ours.post("/v1/batch", {"batch": HISTORY})
    wanted = state(ours)
    shuffled = random.Random(seed).sample(HISTORY, len(HISTORY))
    with asked(made(tmp_path / "other")) as other:
        # Loaded in three steps: each refresh moves what the one before had counted.
        for part in (shuffled[:4], shuffled[4:8], shuffled[8:]):
            other.post("/v1/batch", {"batch": part})
            other.company.events.bring()
        assert state(other) == wanted
        other.company.refresh(is_full=True)
        assert state(other) == wanted


def test_who_is_identified_as_two_stays_the_first(ours: Ours) -> None:
    ours.post("/v1/batch", {"batch": HISTORY})
    assert ours.rules() == [
        "is ann's since 2026-11-03T10:00:00.000000+00:00: it stays theirs"
    ]


def test_circles_are_one_person(ours: Ours) -> None:
    ours.post("/v1/batch", {"batch": [
        sent(1, "track", userId="a", event="Used"), sent(2, "track", userId="b", event="Used"),
        sent(3, "track", userId="c", event="Used"), sent(4, "alias", userId="b", previousId="a"),
        sent(5, "alias", userId="c", previousId="b"), sent(6, "alias", userId="a", previousId="c"),
        sent(7, "alias", userId="x", previousId="x"),
    ]})
    assert ours.rows("SELECT DISTINCT user_id FROM usage_days") == [("a",)]
    assert ours.rows("SELECT alias, user_id FROM people ORDER BY 1") == [("b", "a"), ("c", "a")]


def linked(links: dict[str, str]) -> dict[str, set[str]]:
    """Ids that hang together, by walking: what the SQL is compared with."""
    near: dict[str, set[str]] = {}
    for one, other in links.items():
        if one != other:
            near.setdefault(one, set()).add(other)
            near.setdefault(other, set()).add(one)
    found: dict[str, set[str]] = {}
    for start in near:
        seen, todo = {start}, [start]
        while todo:
            todo += [one for one in near[todo.pop()] if one not in seen and not seen.add(one)]
        found[start] = seen
    return found


@pytest.mark.parametrize("shape", ["random", "chain", "circle"])
def test_chains_and_circles_of_any_length_are_followed(tmp_path: Path, shape: str) -> None:
    chance = random.Random(shape)
    for count in (2, 5, 60):
        ids = [f"i{n:03}" for n in range(count)]
        links = {
            "random": {one: chance.choice(ids) for one in ids if chance.random() < 0.8},
            "chain": dict(itertools.pairwise(ids)),
            "circle": dict(zip(ids, ids[1:] + ids[:1], strict=True)),
        }[shape]
        users = [one for one in ids if chance.random() < 0.3]
        with Engine(tmp_path / ".tmp") as engine:
            engine.put(
                "identities", (("source", "VARCHAR"), ("alias", "VARCHAR"),
                               ("user_id", "VARCHAR"), ("since", "TIMESTAMP")),
                [("s", one, other, None) for one, other in links.items()],
            )
            engine.put("users", (("user_id", "VARCHAR"), ("account_id", "VARCHAR")),
                       [(one, "acme") for one in users])
            people.compute(engine, "found")
            found = dict(engine.rows("SELECT alias, user_id FROM found"))
        wanted = linked(links)
        assert shape == "random" or wanted
        for members in wanted.values():
            (person,) = {found.get(one, one) for one in members}
            assert person in members
            assert person in users or not members & set(users)


def test_traits_and_links_settle_in_any_order() -> None:
    links = [["s", "x", "u2", "2026-11-02"], ["s", "x", "u1", "2026-11-01"],
             ["s", "x", "u1", "2026-11-03"]]
    traits = [
        ["user", "u", "role", '"a"', "2026-11-01", False],
        ["user", "u", "role", '"c"', "2026-11-03", False],
        ["user", "u", "plan", '"first"', "2026-11-01", True],
        ["user", "u", "plan", '"second"', "2026-11-02", True],
        ["user", "u", "gone", '"x"', "2026-11-01", False],
        ["user", "u", "gone", "null", "2026-11-02", False],
    ]
    for order in itertools.permutations(range(3)):
        known: dict[tuple[str, str], tuple[str, str]] = {}
        for place in order:
            rows, _ = settled([links[place]], Known(links=known))
            known |= {(row["source"], row["alias"]): (row["since"], row["user_id"])
                      for row in rows}
        assert known == {("s", "x"): ("2026-11-01", "u1")}
    for seed in range(10):
        kept: dict[tuple[str, str, str], tuple[bool, str, str]] = {}
        rows_now: Sequence[Any] = ()
        for subject, one, trait, value, since, is_initial in random.Random(seed).sample(traits, 6):
            told = [subject, one, trait, value, since, is_initial]
            rows_now = partial_rows([told], Known(traits=kept))["users"]
            key, new = (subject, one, trait), value_of(value, since, is_initial=is_initial)
            kept[key] = max(kept.get(key, new), new)
        (row,) = rows_now
        assert row["role"] == "c"
        assert json.loads(row["attributes"]) == {"gone": None, "plan": "first"}


def test_identities_of_a_file_work_as_those_of_an_sdk(tmp_path: Path) -> None:
    events = [
        {"event_id": "e1", "anonymous_id": "web1", "event": "Used",
         "occurred_at": "2024-01-05", "account_id": "", "user_id": ""},
        {"event_id": "e2", "anonymous_id": "", "event": "Used",
         "occurred_at": "2024-01-06", "account_id": "", "user_id": "u1"},
    ]
    with build(tmp_path / "project", {
        "accounts": [{"account_id": "acme"}],
        "users": [{"user_id": "u1", "account_id": "acme"}], "events": events,
    }) as company:
        def days() -> list[Any]:
            with company.reading() as engine:
                return engine.rows("SELECT user_id, account_id, CAST(day(day) AS INTEGER) "
                                   "FROM usage_days ORDER BY 3")

        assert days() == [(None, None, 5), ("u1", "acme", 6)]
        path = tmp_path / "identities.csv"
        path.write_text("source,alias,user_id,since\ncrm,web1,u1,2024-01-06\n")
        load_files(company.lake, company.config, [path], now=NOW)
        assert not company.refresh().is_full
        assert days() == [("u1", "acme", 5), ("u1", "acme", 6)]


def test_a_merge_is_listed_undone_and_stays_undone(
    ours: Ours, capsys: pytest.CaptureFixture[str]
) -> None:
    ours.post("/v1/batch", {"batch": HISTORY})
    ours.company.events.bring()
    ours.company.events.close()

    def run(*words: str) -> Any:
        capsys.readouterr()
        app(["--project", str(ours.company.folder), "identities", *words], standalone_mode=False)
        return capsys.readouterr().out

    listed = json.loads(run("list", "--format", "json"))["rows"]
    assert [(one["alias"], one["user_id"], one["person"]) for one in listed] == [
        ("ann", "anna", "anna"), ("laptop", "ann", "anna"), ("phone", "ann", "anna")
    ]
    assert "Parted phone" in run("undo", "phone", "--author", "Ana", "--reason", "a guest's")
    with Company(ours.company.folder, clock=lambda: NOW) as company:
        wanted = [("anna", 1), ("anna", 4), ("anna", 9), ("ben", 7), (None, 2)]
        sql = "SELECT user_id, CAST(day(day) AS INTEGER) FROM usage_days ORDER BY 1 NULLS LAST, 2"
        with company.reading() as engine:
            assert engine.rows(sql) == wanted
    # The SDK says it again, once with another moment.
    ours.post("/v1/batch", {"batch": [HISTORY[4], sent(
        11, "identify", userId="ann", anonymousId="phone"
    )]})
    assert ours.rows(sql) == wanted
    assert len(ours.rules()) == 1
    assert "yes" in run("list")
