"""Satisfaction: scores, response, who is silent, who is unhappy; worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.stats import multinomial

from staycurve.insights.voice.scores import Score, change
from staycurve.workspace import Company
from tests.company import build

AS_OF = "2024-07-01"


def answer(name: str, account: str, user: str, day: str, score: int, **more: Any) -> dict[str, Any]:
    return {"answer_id": name, "survey": "q", "kind": "nps", "account_id": account,
            "user_id": user, "answered_at": day, "score": score, "scale_max": 10, **more}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    accounts = ("big", "mid", "small")
    made = build(tmp_path_factory.mktemp("voice") / "project", {
        "accounts": [
            {"account_id": name, "owner": "Ada", "industry": industry}
            for name, industry in zip(accounts, ("Law", "Law", "Art"), strict=True)
        ],
        "users": [
            {"user_id": "ann", "account_id": "big", "role": "buyer", "name": "Ann Stone"},
            *({"user_id": name, "account_id": account} for name, account in (
                ("ben", "big"), ("cat", "mid"), ("dan", "small"), ("eve", "small"))),
        ],
        "subscriptions": [
            {"subscription_id": name, "account_id": name, "amount": amount,
             "starts_at": "2023-01-01", "renews_at": "2024-08-01"}
            for name, amount in zip(accounts, (2000, 300, 20), strict=True)
        ],
        "answers": [
            # Of ann the later answer counts.
            answer("a1", "big", "ann", "2024-02-01", 9),
            answer("a2", "big", "ann", "2024-05-01", 3,
                   comment="Ann Stone here: call me at ann@big.example. Too slow."),
            answer("a3", "big", "ben", "2024-05-03", 10),
            answer("a4", "mid", "cat", "2024-05-04", 8),
            answer("a5", "small", "dan", "2024-05-05", 9),
            # A year ago, and after what is seen.
            answer("a6", "mid", "cat", "2023-05-04", 0),
            answer("a7", "mid", "cat", "2024-07-02", 0),
            {"answer_id": "c1", "survey": "help", "kind": "csat", "account_id": "mid",
             "touchpoint": "support", "answered_at": "2024-06-01", "score": 4},
            {"answer_id": "c2", "survey": "help", "kind": "csat", "account_id": "mid",
             "touchpoint": "support", "answered_at": "2024-06-02", "score": 7, "scale_max": 10},
            {"answer_id": "c3", "survey": "help", "kind": "csat", "account_id": "mid",
             "touchpoint": "support", "answered_at": "2024-06-03", "score": 3},
            {"answer_id": "e1", "survey": "ease", "kind": "ces", "account_id": "mid",
             "answered_at": "2024-06-03", "score": 5},
            {"answer_id": "e2", "survey": "ease", "kind": "ces", "account_id": "mid",
             "answered_at": "2024-06-04", "score": 4},
        ],
        "invitations": [
            {"invitation_id": f"i{place}", "survey": survey, "account_id": account,
             "user_id": user, "asked_at": day}
            for place, (survey, account, user, day) in enumerate([
                ("q", "big", "ann", "2024-01-30"), ("q", "big", "ann", "2024-04-30"),
                ("q", "big", "ben", "2024-05-01"), ("q", "mid", "cat", "2024-05-01"),
                ("q", "small", "dan", "2024-05-01"), ("q", "small", "eve", "2024-05-01"),
                # Asked again, and silent this time: what cat said before is no answer to it.
                ("q", "mid", "cat", "2024-06-20"),
                *(("help", "mid", "", f"2024-05-{day:02}") for day in (1, 2, 3, 4)),
            ])
        ],
    })
    yield made
    made.close()


def test_scores_have_their_value_interval_and_response(company: Company) -> None:
    nps, csat, ces = company.satisfaction.scores(as_of=AS_OF).rows
    # Of ann 3, ben 10, cat 8, dan 9: 2 promoters, 1 detractor of 4.
    assert (nps.answers, nps.people, nps.value) == (4, 4, 25)
    # n' = 7: up = 2.75/7, down = 1.75/7; 1.959964 * sqrt((4.5/7 - (1/7)^2) / 7) = 0.584455
    assert nps.low == pytest.approx(-44.1598, abs=1e-3)
    assert nps.high == pytest.approx(72.7312, abs=1e-3)
    # All five answers of the year count here, of seven invitations.
    assert (nps.invitations, nps.response_rate) == (7, pytest.approx(5 / 7))
    assert (csat.answers, csat.value, csat.response_rate) == (3, pytest.approx(2 / 3), 0.75)
    # Wilson of 2/3: centre (2/3 + z²/6) / (1 + z²/3), half width by hand.
    assert (csat.low, csat.high) == (pytest.approx(0.20765, abs=1e-4),
                                     pytest.approx(0.93851, abs=1e-4))
    assert (ces.value, ces.response_rate) == (0.5, None)
    assert ces.response_why == "no invitations are loaded for these surveys"


def test_the_score_is_the_metric_of_its_name(company: Company) -> None:
    shown = company.show("nps", grain="quarter", start="2024-Q2", end="2024-Q2", as_of=AS_OF)
    found = company.satisfaction.scores(start="2024-Q2", end="2024-Q2", as_of=AS_OF)
    assert [row["value"] for row in shown.rows] == [25]
    assert found.rows[0].value == 25


def test_scores_are_split_by_bands_and_touchpoints(company: Company) -> None:
    bands = company.satisfaction.scores(by="mrr_band", as_of=AS_OF).rows
    assert [(row.segment["mrr_band"], row.value) for row in bands if row.kind == "nps"] == [
        ("under 50", 100), ("200-999", 0), ("1000-4999", 0),
    ]
    touched = [row for row in company.satisfaction.scores(by="touchpoint", as_of=AS_OF).rows
               if row.kind == "csat"]
    # All answers of the survey name one touchpoint, so its invitations are of it.
    assert [(row.segment["touchpoint"], row.invitations) for row in touched] == [("support", 4)]


def test_a_change_of_a_few_answers_is_not_significant(company: Company) -> None:
    rows = company.satisfaction.trend(start="2024-02", end="2024-05", as_of=AS_OF).rows
    assert [(str(row.period), row.answers, row.value) for row in rows] == [
        ("2024-02-01", 1, 100), ("2024-03-01", 0, None), ("2024-04-01", 0, None),
        ("2024-05-01", 4, 25),
    ]
    assert not any(row.is_significant for row in rows)
    assert rows[3].change_why == "nothing to compare with: nobody answered in the period before"


def test_who_is_silent_bounds_the_score(company: Company) -> None:
    found = company.satisfaction.silent(as_of=AS_OF)
    # Of five people ann, ben and dan answered their last invitation: 3, 10, 9.
    assert (found.invited, found.answered, found.value) == (5, 3, pytest.approx(100 / 3))
    # cat and eve against, or for: (2 - 3) / 5 and (4 - 1) / 5.
    assert (found.least, found.most) == (-20, 60)
    bands = {row.value: (row.invited, row.answered) for row in found.rows
             if row.trait == "mrr_band"}
    assert bands == {"under 50": (2, 1), "200-999": (1, 0), "1000-4999": (2, 2)}
    # Nobody of the middle band answered: nothing stands for them.
    assert found.weighted is None
    assert {row.trait for row in found.rows} == {"mrr_band", "lifecycle"}


def test_detractors_stand_with_what_is_at_stake_and_masked(company: Company) -> None:
    [row] = company.satisfaction.detractors(as_of=AS_OF).rows
    assert (row.account_id, row.mrr, row.owner, str(row.renews_on)) == (
        "big", 2000, "Ada", "2024-08-01")
    assert row.comment == "[name] here: call me at [e-mail]. Too slow."
    [open_row] = company.satisfaction.detractors(as_of=AS_OF, unmasked=True).rows
    assert open_row.comment == "Ann Stone here: call me at ann@big.example. Too slow."


def test_people_of_one_account_are_shown_side_by_side(company: Company) -> None:
    found = company.satisfaction.people(as_of=AS_OF)
    [row] = found.rows
    assert (found.divided, row.account_id, row.lowest, row.highest) == (1, "big", 3, 10)
    assert [(one.user_id, one.role, one.score) for one in row.answers] == [
        ("ann", "buyer", 3), ("ben", None, 10),
    ]


def test_an_earlier_as_of_sees_no_later_answer(company: Company) -> None:
    found = company.satisfaction.scores(as_of="2024-03-01").rows
    # Ann's first answer, and the one that cat gave in May before.
    assert [(row.kind, row.answers, row.value) for row in found] == [("nps", 2, 0)]


@pytest.mark.parametrize("size", [5, 10, 20, 50])
@pytest.mark.parametrize(
    # Where next to nobody is unhappy, five answers show none: the interval holds a little less.
    ("up", "down", "least"),
    [(0.5, 0.2, 0.92), (0.7, 0.1, 0.92), (0.3, 0.4, 0.92), (0.1, 0.1, 0.92), (0.6, 0.05, 0.905)],
)
def test_the_nps_interval_holds_the_truth(
    size: int, up: float, down: float, least: float
) -> None:
    draws = np.random.default_rng(16).multinomial(size, (up, down, 1 - up - down), size=20_000)
    kinds, times = np.unique(draws, axis=0, return_counts=True)
    held = 0
    for (high, low, _middle), count in zip(kinds.tolist(), times.tolist(), strict=True):
        ends = Score("nps", high, low, size).interval
        assert ends[0] is not None
        assert ends[1] is not None
        held += count * (ends[0] <= 100 * (up - down) <= ends[1])
    assert held / 20_000 >= least


@pytest.mark.parametrize(("size", "side", "least"), [
    (5, 0.1, 0.91), (10, 0.1, 0.93), (10, 0.05, 0.93), (20, 0.05, 0.935),
])
def test_the_nps_interval_holds_the_truth_wherever_it_lies(
    size: int, side: float, least: float
) -> None:
    # Every possible sample by its probability, for shares from `side` on in steps of 5%.
    samples = [(high, low) for high in range(size + 1) for low in range(size + 1 - high)]
    ends = [Score("nps", high, low, size).interval for high, low in samples]
    shares = np.arange(side, 1 - side + 1e-9, 0.05)
    held = []
    for up, down in ((u, d) for u in shares for d in shares if u + d < 1 - 1e-9):
        chances = multinomial(size, (up, down, 1 - up - down)).pmf(
            [(high, low, size - high - low) for high, low in samples])
        held.append(sum(
            chance for chance, (low, high) in zip(chances, ends, strict=True)
            if low <= 100 * (up - down) <= high
        ))
    assert len(held) > 100
    assert min(held) >= least


def test_a_change_of_many_answers_is_found() -> None:
    found = change(Score("nps", 60, 10, 100), Score("nps", 20, 50, 100))
    assert found is not None
    assert found.value == 80
    assert found.low > 0
    assert found.p_value < 1e-6
    same = change(Score("csat", 30, 10, 40), Score("csat", 30, 10, 40))
    assert same is not None
    assert same.p_value == 1
