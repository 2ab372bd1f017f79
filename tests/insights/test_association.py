"""Associations: what differs, what vanishes among comparable accounts, and what is not tested."""

from __future__ import annotations

import random

import pytest

from staycurve.insights.statistics.association import Stratum, associations, mantel_haenszel

ONE = {"size": "account size"}


def test_mantel_haenszel_by_hand() -> None:
    # Weights n1 n0 / n: 20·80/100 = 16 and 50·50/100 = 25; differences 0.5 − 0.25 and 0.6 − 0.5.
    found = mantel_haenszel([(20, 10, 80, 20), (50, 30, 50, 25)])
    assert found is not None
    assert found[0] == pytest.approx((16 * 0.25 + 25 * 0.1) / 41)
    # Sato's P and Q of each stratum, as SAS prints the formula:
    # P = (n1² b − n0² a + n1 n0 (n0 − n1)/2) / n², Q = (a (n0 − b) + b (n1 − a)) / 2n
    p = (400 * 20 - 6400 * 10 + 1600 * 60 / 2) / 1e4 + (2500 * 25 - 2500 * 30 + 0) / 1e4
    q = (10 * 60 + 20 * 10) / 200 + (30 * 25 + 25 * 20) / 200
    half = 1.959964 * (found[0] * p + q) ** 0.5 / 41
    assert found[1:] == (pytest.approx(found[0] - half), pytest.approx(found[0] + half))


def test_without_strata_nobody_is_comparable() -> None:
    assert mantel_haenszel([]) is None


def test_the_interval_holds_the_truth_in_small_strata() -> None:
    pick = random.Random(4)
    held = 0
    for _ in range(400):
        cells = []
        for place in range(60):
            n1, n0 = pick.randrange(1, 5), pick.randrange(1, 8)
            base = 0.3 + 0.4 * place / 60
            a = sum(pick.random() < base + 0.15 for _ in range(n1))
            b = sum(pick.random() < base for _ in range(n0))
            cells.append((n1, a, n0, b))
        found = mantel_haenszel(cells)
        assert found is not None
        held += found[1] <= 0.15 <= found[2]
    # 95% of 400, give or take three standard errors.
    assert 367 <= held <= 393


def test_a_feature_of_large_accounts_is_confounded() -> None:
    # Large accounts use it and stay, small ones do neither: 90% and 60% stay, user or not.
    strata = [Stratum(("large",), 180, 162, 60, 54), Stratum(("small",), 30, 18, 300, 180)]
    found = associations({"sso": strata}, ONE)["sso"]
    assert found.users.value == pytest.approx(180 / 210)
    assert found.others.value == pytest.approx(234 / 360)
    assert found.p_value is not None
    assert found.p_value < 0.001
    assert [c.name for c in found.confounders if c.differs] == ["size"]
    assert found.among_comparable is not None
    assert found.among_comparable.difference == pytest.approx(0, abs=1e-12)
    assert found.verdict == "confounded"


def test_a_difference_in_every_stratum_holds() -> None:
    strata = [Stratum(("large",), 180, 171, 60, 45), Stratum(("small",), 30, 24, 300, 165)]
    found = associations({"sso": strata}, ONE)["sso"]
    assert found.verdict == "holds"
    assert found.among_comparable is not None
    assert found.among_comparable.difference_low is not None
    assert found.among_comparable.difference_low > 0


def test_accounts_that_differ_wholly_are_not_comparable() -> None:
    strata = [Stratum(("large",), 200, 190, 0, 0), Stratum(("small",), 0, 0, 200, 100)]
    found = associations({"sso": strata}, ONE)["sso"]
    assert found.among_comparable is not None
    assert (found.among_comparable.difference, found.among_comparable.accounts) == (None, 0)
    assert found.verdict == "not separable"


def test_small_sides_are_shown_and_not_tested() -> None:
    found = associations({"x": [Stratum(("a",), 29, 29, 500, 100)]}, ONE)["x"]
    assert (found.p_value, found.verdict) == (None, "not tested")
    assert found.difference is not None
    assert "fewer than 30" in str(found.why)


def test_many_features_are_not_named_by_luck() -> None:
    pick = random.Random(11)
    given = {}
    for name in range(200):
        users, others = 200, 800
        given[str(name)] = [Stratum(
            ("a",), users, sum(pick.random() < 0.8 for _ in range(users)),
            others, sum(pick.random() < 0.8 for _ in range(others)),
        )]
    found = associations(given, ONE)
    assert {name: one.verdict for name, one in found.items()} == dict.fromkeys(
        given, "no difference"
    )


def test_nobody_at_all() -> None:
    found = associations({"x": []}, ONE)["x"]
    assert found.users.value is None
    assert found.as_dict()["why"] == "no accounts to compare"
