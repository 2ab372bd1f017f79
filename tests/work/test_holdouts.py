"""Holdouts: drawn within strata, kept for ever, and nothing is opened for them."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from staycurve.errors import ConfigError, UnknownNameError, UsageError
from staycurve.experiments import Experiment
from staycurve.interfaces.cli.app import app
from staycurve.state import arms
from staycurve.workspace import Company
from tests.company import build

NOW = dt.datetime(2024, 7, 2, tzinfo=dt.UTC)
DAY = dt.date(2024, 7, 1)

RULE = """
title = "Small"
type = "growth"
[[when]]
fact = "mrr"
at_most = 100
"""
EXPERIMENT = """
[[experiments]]
name = "call"
starts = "2024-06-01"
base = 0.8
effect = 0.9
days = 30
"""


def company_of(folder: Path, settings: str, *, count: int = 40) -> Company:
    """Accounts on two plans, one in four on Pro, all of which pay since January 2024."""
    rows = [{"subscription_id": f"s{n}", "account_id": f"a{n:02}", "interval": "month",
             "plan": "Pro" if n % 4 == 0 else "Go", "amount": 60, "starts_at": "2024-01-01"}
            for n in range(count)]
    # What was seen last says what day it is.
    lead = {"lead_id": "l", "created_at": "2024-07-01"}
    made = build(folder / "p", {"subscriptions": rows, "leads": [lead]}, end_reasons=settings)
    rules = made.folder / "playbooks"
    rules.mkdir()
    (rules / "small.toml").write_text(RULE, encoding="utf-8")
    return made


@pytest.mark.parametrize(("share", "block"), [
    (0.5, (2, 1)), (0.2, (5, 1)), (0.25, (4, 1)), (0.05, (20, 1)), (0.001, (20, 1)),
    (0.999, (20, 19)), (1 / 3, (3, 1)),
])
def test_blocks(share: float, block: tuple[int, int]) -> None:
    assert arms.block_of(share) == block


def test_every_block_holds_its_share_at_random() -> None:
    held = [arms.is_held_at("salt", "Pro", place, 0.2) for place in range(1000)]
    assert all(sum(held[start : start + 5]) == 1 for start in range(0, 1000, 5))
    places = Counter(place % 5 for place in range(1000) if held[place])
    # 200 blocks: each place of five about 40 times; three standard deviations are 17.
    assert len(places) == 5
    assert all(23 <= count <= 57 for count in places.values())
    other = [arms.is_held_at("salt", "Go", place, 0.2) for place in range(1000)]
    assert other != held


def test_arms_are_drawn_once_within_strata(tmp_path: Path) -> None:
    with company_of(tmp_path, EXPERIMENT + 'strata = ["plan"]\n') as company:
        (row,) = company.proof.draw()
        assert (row["treated"], row["held_out"], row["drawn"]) == (20, 20, 40)
        first = dict(company.arms("call"))
        by_plan = Counter((arm.stratum, arm.is_held_out) for arm in first.values())
        assert by_plan == {("Pro", True): 5, ("Pro", False): 5, ("Go", True): 15,
                           ("Go", False): 15}
        # Whatever is drawn later moves nobody.
        with company.state.database.writing() as session:
            arms.draw(session, "call", [("zz", "Pro"), ("a00", "Go")], salt="experiment:call",
                      holdout=0.9, on=DAY, now=NOW)
        later = company.arms("call")
        assert {one: later[one] for one in first} == first
        assert set(later) - set(first) == {"zz"}
        assert company.proof.draw("call")[0]["drawn"] == 0
        rows = company.proof.listed("call")["rows"]
        assert {row["arm"] for row in rows} == {"treated", "holdout"}
        done = CliRunner().invoke(app, ["--project", str(company.folder), "effects", "arms", "call",
                                        "--format", "csv"])
        assert done.stdout.splitlines()[0] == "account_id,arm,since,stratum"
        assert len(done.stdout.splitlines()) == 42


def test_a_playbook_opens_nothing_for_its_holdout(tmp_path: Path) -> None:
    stated = EXPERIMENT + 'of = "playbook:small"\nholdout = 0.2\n'
    with company_of(tmp_path, stated) as company:
        found = company.work.run(as_of="2024-07-01", only="small", confirm=["small"])
        (row,) = found.rows
        assert (row["entered"], row["opened"] + row["waiting"], row["held_out"]) == (40, 32, 8)
        drawn = company.arms("call")
        held = {one for one, arm in drawn.items() if arm.is_held_out}
        opened = {one["account_id"] for one in company.work.alerts()}
        assert opened == set(drawn) - held
        (again,) = company.work.run(as_of="2024-07-01", only="small", confirm=["small"]).rows
        assert (again["entered"], again["held_out"]) == (0, 0)
        with pytest.raises(UsageError, match="drawn when the playbook small runs"):
            company.proof.draw("call")
        shown = company.effects.show(name="call", as_of="2024-07-01")
        # Their 30 days are not over: they wait.
        assert (shown.waiting, shown.status) == (40, "not_enough")


def test_an_experiment_is_added_or_nothing_is_written(tmp_path: Path) -> None:
    with company_of(tmp_path, "", count=4) as company:
        path = company.folder / "staycurve.toml"
        before = path.read_text(encoding="utf-8")

        def add(*given: str) -> int:
            done = CliRunner().invoke(app, [
                "--project", str(company.folder), "effects", "add", "offer", "--starts",
                "2024-08-01", *given,
            ], catch_exceptions=True)
            return 0 if done.exit_code == 0 else 1

        assert add("--base", "120%", "--effect", "90%") == 1
        assert add("--base", "80%", "--effect", "90%", "--of", "playbook:none") == 1
        assert add("--base", "80%", "--effect", "90%", "--outcome", "nrr") == 1
        assert path.read_text(encoding="utf-8") == before
        assert add("--base", "80%", "--effect", "90%", "--strata", "plan,country") == 0
        (kept,) = tomllib.loads(path.read_text(encoding="utf-8"))["experiments"]
        assert (kept["name"], kept["base"], kept["strata"]) == ("offer", 0.8, ["plan", "country"])
        assert add("--base", "80%", "--effect", "90%") == 1
    with Company(path.parent, clock=lambda: NOW) as company:
        assert company.proof.get("offer") == Experiment(
            "offer", "2024-08-01", 0.8, 0.9, strata=("plan", "country"))
        with pytest.raises(UnknownNameError, match="offer"):
            company.proof.get("ofer")


@pytest.mark.parametrize(("line", "says"), [
    ('of = "segment:x"', "neither"), ('strata = ["colour"]', "none of them"),
    ('outcome = "nrr"', "no spread"), ('outcome = "joy"', "joy"),
    ('of = "playbook:a"\narms = {by = "o", treated = "B", control = "A"}', "drawn elsewhere"),
    ('arms = {by = "o", treated = "B", control = "B"}', "same value"),
])
def test_faulty_declarations_are_errors(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        build(tmp_path / "p", {}, end_reasons=f"{EXPERIMENT}{line}\n")
