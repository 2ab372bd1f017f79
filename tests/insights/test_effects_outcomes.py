"""Outcomes of experiments by hand: NRR and NPS as ratios, use, arms drawn elsewhere, matching."""

from __future__ import annotations

import datetime as dt
import math
import random
from pathlib import Path

import pytest

from staycurve.experiments import Arms, Experiment
from staycurve.insights.effects.matched import matched
from staycurve.insights.effects.outcomes import difference, having, values
from staycurve.insights.effects.plan import hoped_mean, mean_of
from staycurve.insights.effects.show import judged, needed
from staycurve.insights.effects.taking import Taking
from staycurve.insights.statistics.trials import accounts_for_means, smallest_gap
from staycurve.workspace import Company
from tests.company import build

DAY = dt.date(2025, 3, 1)


def account(n: int, held: bool, before: float, after: float, **more: int) -> Taking:
    return Taking(f"a{n}", DAY, held, before, after, **more)


def test_nrr_is_a_ratio_of_sums() -> None:
    known = [account(1, False, 100, 150), account(2, False, 300, 300),
             account(3, True, 100, 50), account(4, True, 100, 100), account(5, True, 0, 70)]
    # 450/400 and 150/200; who paid nothing before is in neither.
    assert having(known, "nrr") == known[:4]
    treated, held = values(known[:2], "nrr"), values(known[2:4], "nrr")
    assert sum(treated) / 2 == pytest.approx(1.125)
    assert sum(held) / 2 == pytest.approx(0.75)
    found = difference(known, "nrr")
    assert found is not None
    assert found.difference == pytest.approx(0.375)
    # after − r × before: 37.5, −37.5 over a mean of 200: ±0.1875; −25, 25 over 100: ±0.25.
    assert found.error == pytest.approx(math.sqrt(2 * 0.1875**2 / 2 + 2 * 0.25**2 / 2))


def test_nps_counts_people() -> None:
    known = [account(1, False, 1, 1, answers=3, answer_sum=100),
             account(2, False, 1, 1, answers=1, answer_sum=100), account(3, False, 1, 1),
             account(4, True, 1, 1, answers=2, answer_sum=-100),
             account(5, True, 1, 1, answers=2, answer_sum=0)]
    found = difference(known, "nps")
    assert found is not None
    # 200/4 and −100/4.
    assert found.difference == pytest.approx(75.0)


def test_what_means_take() -> None:
    # 2 × (2.801585 × 0.4 / 0.05)² = 1,004.7, and 2 × (2.801585 × 60 / 10)² = 565.1.
    assert accounts_for_means(0.4, 0.05) == 1005
    assert accounts_for_means(60, -10) == 566
    assert smallest_gap(0.4, 1005) == pytest.approx(0.05, abs=1e-4)
    asked = Experiment("e", "2025-01-01", 1.0, 1.05, "nrr", 0.5, 90, 1, spread=0.4)
    # Both arms: 7.84888 × 0.16 × (2 + 2) / 0.0025 = 2,009.3.
    assert needed(asked) == 2010
    assert (mean_of("104%", "base"), mean_of("-12", "base")) == (1.04, -12.0)
    assert hoped_mean("+10", -12) == -2.0
    assert hoped_mean("-2", -12) == -2.0


def planted(effect: float, seed: int) -> tuple[float, float]:
    """The interval of active days in one company whose treated accounts have so many more."""
    rng = random.Random(seed)
    known = []
    for n in range(120):
        habit = rng.randint(2, 20)
        held = n % 2 == 0
        after = min(28, max(0, round(habit + rng.gauss(0, 3) + (0 if held else effect))))
        known.append(account(n, held, 1, 1, active_before=habit, active_after=after))
    found = difference(known, "active_days")
    assert found is not None
    assert found.reduction > 0.5
    return found.interval(1.96)


def test_a_planted_effect_on_use_is_inside_its_interval() -> None:
    inside = [low <= 3 <= high for low, high in (planted(3, seed) for seed in range(100))]
    # Of 100 intervals at 95% fewer than 89 would be three standard errors too few.
    assert sum(inside) >= 89


def test_unknown_use_is_no_outcome() -> None:
    asked = Experiment("e", "2025-01-01", 0.5, 0.7, "usage")
    known = [account(n, n % 2 == 0, 1, 1) for n in range(50)]
    found = judged(asked, known, 0, last_day=DAY, told={"as_of": "", "currency": "USD"})
    assert (found.status, found.treated, found.held_out) == ("not_enough", 0, 0)
    assert {row.outcome for row in found.outcomes} == {"retention", "upgrade", "nrr", "mrr"}


@pytest.fixture(scope="module")
def leads(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """60 leads, half of whom saw an offer; 24 of those and 9 of the others came to pay."""
    rows, paying = [], []
    for n in range(60):
        offered = n % 2 == 0
        pays = n // 2 < (24 if offered else 9)
        rows.append({"lead_id": f"l{n}", "created_at": "2024-02-01",
                     "account_id": f"a{n}" if pays else "",
                     "offer": "two months" if offered else "none"})
        if pays:
            paying.append({"subscription_id": f"s{n}", "account_id": f"a{n}", "plan": "Go",
                           "amount": 50, "interval": "month", "starts_at": "2024-02-10"})
    paying.append({"subscription_id": "s", "account_id": "a", "plan": "Go", "amount": 50,
                   "interval": "month", "starts_at": "2024-01-01"})
    stated = """
[[experiments]]
name = "offer"
starts = "2024-01-15"
outcome = "conversion"
base = 0.3
effect = 0.8
days = 30
looks = 1
arms = {by = "offer", treated = "two months", control = "none", of = "leads"}
"""
    folder = tmp_path_factory.mktemp("offers") / "p"
    return build(folder, {"leads": rows, "subscriptions": paying}, end_reasons=stated)


def test_an_offer_to_leads(leads: Company) -> None:
    assert leads.config is not None
    found = leads.effects.show(name="offer", as_of="2024-06-01")
    conversion = found.outcomes[0]
    assert (conversion.outcome, conversion.treated, conversion.held_out) == ("conversion", 0.8, 0.3)
    assert (found.treated, found.held_out, found.status) == (30, 30, "helped")
    assert any("drawn elsewhere" in note for note in found.notes)
    assert leads.effects.show(name="offer", as_of="2024-02-15").waiting == 60


def test_arms_by_an_attribute_of_accounts(tmp_path: Path) -> None:
    accounts = [{"account_id": f"a{n}", "trial_kind": "card" if n % 2 else "free"}
                for n in range(40)]
    rows = [{"subscription_id": f"s{n}", "account_id": f"a{n}", "plan": "Go", "amount": 50,
             "interval": "month", "starts_at": "2024-02-10",
             "ends_at": "2024-02-25" if n % 4 == 1 else ""} for n in range(40)]
    asked = Experiment("kinds", "2024-01-01", 0.5, 0.9, days=30,
                       arms=Arms("trial_kind", "free", "card"))
    stated = """
[[experiments]]
name = "kinds"
starts = "2024-01-01"
base = 0.5
effect = 0.9
days = 30
arms = {by = "trial_kind", treated = "free", control = "card"}
"""
    with build(tmp_path / "p", {"accounts": accounts, "subscriptions": rows},
               end_reasons=stated) as company:
        assert company.proof.get("kinds") == asked
        found = company.effects.show(name="kinds", as_of="2024-06-01")
        retention = found.outcomes[0]
        assert (retention.treated, retention.held_out) == (1.0, 0.5)


def test_similar_accounts_by_hand(tmp_path: Path) -> None:
    """30 treated accounts stay; of their 60 twins half leave. On another plan all leave, and are
    nobody's twins."""
    rows = []
    for n in range(150):
        kind = "t" if n < 30 else "c" if n < 90 else "x"
        leaves = kind == "x" or (kind == "c" and n % 2 == 0)
        rows.append({"subscription_id": f"s{n}", "account_id": f"{kind}{n:03}",
                     "plan": "Solo" if kind == "x" else "Go", "amount": 50, "interval": "month",
                     "starts_at": "2024-01-01", "ends_at": "2024-04-15" if leaves else ""})
    with build(tmp_path / "p", {"subscriptions": rows}) as company:
        day = dt.date(2024, 3, 1)

        class Doing:
            """The company, whose playbook was carried out for thirty accounts."""

            def __getattr__(self, name: str) -> object:
                return getattr(company, name)

            def acted(self, playbook: str) -> dict[str, dt.date]:
                return {f"t{n:03}": day for n in range(30)} if playbook == "call" else {}

        found = matched.ask(Doing(), playbook="call", days=90, as_of="2024-08-01")
        assert (found.done, found.matched) == (30, 30)
        by_name = {row.outcome: row for row in found.rows}
        retention = by_name["retention"]
        # Nearest in MRR are all alike: the first five by name, c030 to c034, of whom two stay.
        assert (retention.done, retention.similar) == (1.0, pytest.approx(0.4))
        assert by_name["upgrade_before"].is_placebo
        assert found.is_believable is True
        assert "No accounts were held out" in found.notes[0]
        nothing = matched.ask(Doing(), playbook="other", as_of="2024-08-01")
        assert nothing.rows == ()
        assert nothing.why
        early = matched.ask(Doing(), playbook="call", days=90, as_of="2024-04-01")
        assert (early.done, early.matched) == (0, 0)
