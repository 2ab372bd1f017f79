"""The profile: what is planted is found, what is not is not, and every number by hand."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
from collections.abc import Iterator

import pytest
from scipy.stats import fisher_exact
from typer.testing import CliRunner

from staycurve.errors import UsageError
from staycurve.insights.fit.contrast import Side, contrasted
from staycurve.insights.fit.mature import banded_of, months_after, whole_months
from staycurve.insights.fit.rules import searched
from staycurve.insights.shared.halves import is_held_out, place_of
from staycurve.interfaces.cli.app import app
from staycurve.workspace import Company
from tests.company import build

RUNS = int(os.environ.get("STAYCURVE_PROFILE_RUNS", "100"))
"""Companies without any cause; `make test-profile` asks for 400."""
AS_OF = "2025-07-01"


def null_traits(seed: int, size: int = 400) -> tuple[dict[str, list[str | None]], list[bool]]:
    """Traits that have nothing to do with who is best."""
    rng = random.Random(seed)
    traits: dict[str, list[str | None]] = {
        f"trait{n}": [rng.choice("abcdefgh"[:2 + n]) for _ in range(size)] for n in range(6)
    }
    traits |= {f"used{n}": [rng.choice(("used", "not used")) for _ in range(size)]
               for n in range(8)}
    return traits, [rng.random() < 0.25 for _ in range(size)]


def test_a_company_without_a_cause_rarely_has_a_trait() -> None:
    false = 0
    for seed in range(RUNS):
        traits, best = null_traits(seed)
        held = [is_held_out("profile", f"{seed}-{place}") for place in range(len(best))]
        found = contrasted(traits, best, held)
        assert len(found) > 40
        false += any(row.is_significant for row in found)
    assert false <= 0.05 * RUNS


def test_a_planted_trait_is_found_and_the_null_ones_beside_it_are_not() -> None:
    traits, best = null_traits(3)
    rng = random.Random(4)
    traits["industry"] = [
        "EdTech" if rng.random() < (0.6 if one else 0.2) else "Retail" for one in best
    ]
    held = [is_held_out("profile", str(place)) for place in range(len(best))]
    named = {(row.trait, row.value) for row in contrasted(traits, best, held) if row.is_significant}
    assert named == {("industry", "EdTech"), ("industry", "Retail")}


def test_the_half_that_was_not_looked_at_must_agree() -> None:
    # Looked at: 30 of 40 best against 10 of 40; held out: the other way round.
    values: list[str | None] = (["a"] * 30 + ["b"] * 10 + ["a"] * 10 + ["b"] * 30) * 2
    best = [True] * 40 + [False] * 40 + [False] * 40 + [True] * 40
    held = [False] * 80 + [True] * 80
    rows = contrasted({"trait": values}, best, held)
    assert [row.is_significant for row in rows] == [False, False]
    assert all(row.p_value is not None and row.p_value < 0.001 for row in rows)


def test_a_lift_and_its_interval_by_hand() -> None:
    side = Side(20, 50, 15, 150)
    assert (side.share_best, side.share_rest, side.lift) == (0.4, 0.1, pytest.approx(4.0))
    # ln 4 ± 1.96 √(1/20 − 1/50 + 1/15 − 1/150) = 1.3863 ± 1.96 × 0.3
    assert side.interval() == pytest.approx((2.2217, 7.2017), abs=1e-3)


def test_the_chance_is_scipys() -> None:
    for counts in ((20, 50, 15, 150), (0, 10, 9, 30), (5, 5, 0, 7), (3, 40, 8, 90)):
        side = Side(*counts)
        a, n, b, m = counts
        assert side.chance() == pytest.approx(fisher_exact([[a, n - a], [b, m - b]]).pvalue)


def test_none_of_the_rest_is_a_finite_lift() -> None:
    side = Side(10, 20, 0, 40)
    assert side.lift == pytest.approx((10.5 / 20.5) / (0.5 / 40.5))
    assert Side(0, 20, 0, 40).lift is None


def test_a_trait_that_is_not_known_takes_no_part() -> None:
    values: list[str | None] = ["a", "b", None, None]
    (one, other) = contrasted({"t": values}, [True, False, True, False], [False] * 4)
    assert {(row.seen.best, row.seen.rest) for row in (one, other)} == {(1, 1)}
    assert one.why is not None


def test_a_rule_of_two_traits_is_found_again_in_samples() -> None:
    rng = random.Random(5)
    one = [rng.choice("ab") for _ in range(400)]
    two = [rng.choice("xy") for _ in range(400)]
    noise: list[str | None] = [rng.choice("pq") for _ in range(400)]
    best = [rng.random() < (0.8 if pair == ("a", "x") else 0.1)
            for pair in zip(one, two, strict=True)]
    found = searched({"one": list(one), "two": list(two), "noise": noise}, best, samples=20)
    assert found[0].conditions == (("one", "a"), ("two", "x"))
    assert found[0].stability == 1.0
    assert all(len(rule.conditions) <= 3 for rule in found)


def test_halves_are_stable_and_even() -> None:
    # blake2b of 'salt\0A1' is the same in every process.
    assert place_of("salt", "A1") == place_of("salt", "A1") != place_of("other", "A1")
    held = sum(is_held_out("salt", str(n)) for n in range(10_000))
    assert 4_800 < held < 5_200


def test_months_by_hand() -> None:
    assert months_after(dt.date(2024, 1, 31), 1) == dt.date(2024, 2, 29)
    assert months_after(dt.date(2024, 12, 5), 13) == dt.date(2026, 1, 5)
    assert whole_months(dt.date(2024, 1, 31), dt.date(2024, 2, 29)) == 1
    assert whole_months(dt.date(2024, 1, 31), dt.date(2024, 2, 28)) == 0


def test_numbers_are_banded_and_many_texts_are_no_trait() -> None:
    numbers = banded_of({str(n): n for n in range(1, 101)}) or {}
    assert sorted(set(numbers.values())) == [
        "26 to under 51", "51 to under 76", "76 or more", "under 26"]
    assert banded_of({str(n): f"text {n}" for n in range(31)}) is None
    assert banded_of({"a": True, "b": False}) == {"a": "yes", "b": "no"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """120 accounts of 2024; those in EdTech double their MRR after three months."""
    accounts, subscriptions = [], []
    for n in range(120):
        industry = "EdTech" if n % 4 == 0 else ("Retail", "Media", "Finance")[n % 3]
        name = f"A{n:03d}"
        accounts.append({
            "account_id": name, "industry": industry, "country": ("US", "DE")[n // 7 % 2],
            "employees": 5 + n, "channel": "referral" if n % 4 == 0 else "ads",
            "created_at": "2024-01-01",
            "tier": "gold" if n % 2 else "silver", "website": f"{name}.example",
        })
        row = {"subscription_id": name, "account_id": name, "plan": "Pro", "interval": "month"}
        later = "2024-04-15" if n % 4 == 0 else ""
        subscriptions.append({**row, "starts_at": "2024-01-15", "ends_at": later, "amount": 100})
        if later:
            subscriptions.append({**row, "starts_at": later, "ends_at": "", "amount": 200})
    made = build(tmp_path_factory.mktemp("profile") / "p",
                 {"accounts": accounts, "subscriptions": subscriptions})
    with made:
        yield made


def test_the_planted_profile_of_a_company(company: Company) -> None:
    done = CliRunner().invoke(app, [
        "--project", str(company.folder), "fit", "profile", "--best", "nrr", "--as-of", AS_OF,
        "--format", "json",
    ])
    found = json.loads(done.stdout)
    assert (found["accounts"], found["best_accounts"], found["months"]) == (120, 30, 13)
    assert found["cutoff"] == 2.0
    named = {(row["trait"], row["value"]) for row in found["traits"] if row["is_significant"]}
    assert {("industry", "EdTech"), ("channel", "referral"), ("channel", "ads")} <= named
    assert not {trait for trait, _value in named} & {"country", "website", "plan"}
    assert {"trait", "value", "accounts", "share_best", "share_rest", "lift", "low", "high",
            "p_value", "holdout_lift", "is_significant"} <= set(found["traits"][0])
    rule = found["rules"][0]
    assert rule["rule"] in ("industry=EdTech", "channel=referral")
    assert rule["share_best"] == 1.0
    assert rule["is_significant"] is True
    assert rule["stability"] >= 0.9
    (alone,) = found["alone"]
    # All 30 best match; the other 90 pay 100 each, of 30 × 200 + 90 × 100.
    assert (alone["accounts"], alone["lost_accounts"], alone["lost_best"]) == (30, 90, 0)
    assert (alone["lost_mrr"], alone["lost_share"]) == (9000.0, pytest.approx(0.6))


def test_the_anti_profile_is_the_other_end(company: Company) -> None:
    found = company.fit.anti(best="nrr", as_of=AS_OF)
    # 90 accounts tie at the lowest ratio: more than half, and nobody is below.
    assert (found.best_accounts, found.cutoff) == (90, 1.0)
    named = {(row.trait, row.value) for row in found.traits if row.is_significant}
    assert ("channel", "ads") in named


def test_a_rule_opens_its_accounts(company: Company) -> None:
    shown = company.fit.profile(best="nrr", as_of=AS_OF)
    row = next(row for row in shown.traits if row.value == "EdTech")
    behind = company.fit.accounts(rule=row.condition, best="nrr", as_of=AS_OF)
    assert len(behind.rows) == row.accounts
    assert all(one.is_best and not one.is_held_out for one in behind.rows)
    with pytest.raises(UsageError, match="no trait"):
        company.fit.accounts(rule="industry=Edtech", best="nrr", as_of=AS_OF)


def test_too_young_a_company_says_so(company: Company) -> None:
    found = company.fit.profile(as_of="2024-03-01")
    assert found.traits == ()
    assert found.why == "only 0 accounts are 4 months old with a known value; it takes 40"
    assert company.fit.profile(best="nps", as_of=AS_OF).why is not None
    alike = company.fit.profile(best="tenure", as_of=AS_OF)
    assert alike.why == "all accounts have the same value: none is better than the others"
