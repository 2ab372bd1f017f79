"""The rows behind why a number changed, which segments differ and what comes: they add up."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.interfaces.api.app import create_app
from tests.company import build
from tests.insights import test_value_change, test_value_compare, test_value_forecast
from tests.metrics.test_value_metrics import tables
from tests.web.reading import links

if TYPE_CHECKING:
    from staycurve.workspace import Company

RANGE = {"start": "2024-05", "end": "2024-07", "as_of": "2024-11-01"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("four") / "p", test_value_change.ROWS) as made:
        yield made


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with build(tmp_path_factory.mktemp("behind") / "p", tables()) as made:
        yield made


def summed(rows: Any, name: str) -> Decimal | None:
    """What a column comes to, of the digits that are printed; None where it is empty."""
    values = [getattr(row, name) for row in rows]
    assert values
    if None in values:
        assert set(values) == {None}
        return None
    return sum((Decimal(repr(one)) for one in values), Decimal(0))


def test_the_accounts_behind_a_change_by_hand(company: Company) -> None:
    asked = {"start": "2024-02", "end": "2024-03", "as_of": "2024-04-01"}
    found = company.value.accounts(metric="mrr", **asked)
    assert [(row.account_id, row.before, row.after, row.difference) for row in found.rows] == [
        ("bolt", 40, 0, -40), ("acme", 100, 130, 30), ("dune", 0, 10, 10), ("crux", 60, 60, 0),
    ]
    assert (found.value_from, found.value_to) == (200, 200)
    # A movement between the two closes has no value before.
    (own,) = company.value.accounts(metric="mrr", part="churned_mrr", **asked).rows
    assert (own.account_id, own.before, own.after) == ("bolt", None, 40)
    # Of ARPA each account is its MRR ÷ all accounts.
    found = company.value.accounts(metric="arpa", where="industry=EdTech", **asked)
    assert [(row.account_id, row.before, row.after) for row in found.rows] == [
        ("acme", 50, 130), ("bolt", 20, 0),
    ]
    # What was lost of the opening MRR: bolt's 40 of 200.
    (lost,) = company.value.accounts(metric="nrr", part="lost_rate", **asked).rows
    assert (lost.account_id, lost.before, lost.after) == ("bolt", 0, 0.2)


@pytest.mark.parametrize("metric", [
    "mrr", "arr", "customers", "nrr", "nrr_12m", "arpa", "clv_margin", "customer_churn_rate",
    "cac", "net_new_mrr", "quick_ratio", "fx_impact",
])
def test_rows_sum_to_every_number_of_a_change(many: Company, metric: str) -> None:
    by = "" if metric == "clv_margin" else "channel"
    found = many.value.change(metric=metric, by=by, **RANGE)
    assert found.rows or found.why
    for row in found.rows:
        if row.value_from or row.value_to:
            behind = many.value.accounts(metric=metric, part=row.driver, **RANGE)
            if row.driver == "mean_months":
                # Estimated, and no sum: the rows say how long each was followed.
                assert "no sum" in behind.notes[0]
                continue
            for name, value in (("before", row.value_from), ("after", row.value_to)):
                assert float(summed(behind.rows, name) or 0) == pytest.approx(
                    value or 0, abs=1e-6
                ), row.driver
    for row in found.segments:
        if row.value_from or row.value_to:
            behind = many.value.accounts(
                metric=metric, where=f"channel={row.segment['channel']}", **RANGE
            )
            assert float(summed(behind.rows, "after") or 0) == pytest.approx(
                row.value_to or 0, abs=1e-6
            )


@pytest.mark.parametrize("metric", ["mrr", "nrr", "arpa"])
def test_rows_sum_to_every_part_of_a_tree(many: Company, metric: str) -> None:
    opened = 0
    for row in many.value.tree(metric=metric, **RANGE).rows:
        if row.name == "mean_months" or not (row.value_from or row.value_to):
            continue
        behind = many.value.accounts(metric=row.of, part=row.part, **RANGE)
        after = summed(behind.rows, "after")
        assert after is not None
        assert float(after) == pytest.approx(row.value_to or 0, abs=1e-6), row.path
        opened += 1
    assert opened > 3


def test_what_is_printed_sums_to_the_printed_value(many: Company) -> None:
    for metric in ("mrr", "arpa", "customer_churn_rate", "clv_margin"):
        found = many.value.accounts(metric=metric, **RANGE)
        for name, value in (("before", found.value_from), ("after", found.value_to)):
            assert summed(found.rows, name) == Decimal(repr(value)), metric
        assert [abs(row.difference) for row in found.rows] == sorted(
            (abs(row.difference) for row in found.rows), reverse=True
        )


def test_the_rows_of_a_segment_and_of_all_others_divide_to_their_rates(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    asked = {"metric": "customer_churn_rate", "as_of": test_value_compare.AS_OF}
    folder = tmp_path_factory.mktemp("pooled") / "p"
    with build(folder, test_value_compare.tables()) as company:
        found = company.value.compare(by="channel", **asked).rows
        assert len(found) == 3
        for row in found:
            segment = f"channel={row.segment['channel']}"
            own = company.value.pooled(where=segment, **asked)
            assert len(own.rows) == row.accounts
            assert own.total.value == pytest.approx(row.value)
            assert sum(one.above for one in own.rows) == own.total.above
            rest = company.value.pooled(where=segment, apart_from=segment, **asked)
            assert rest.total.value == pytest.approx(row.rest)
            assert row.named == segment
        with pytest.raises(UsageError, match="Did you mean 'ads'"):
            company.value.pooled(apart_from="channel=adds", **asked)


def test_the_cohorts_of_a_forecast_sum_to_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    as_of = test_value_forecast.AS_OF
    folder = tmp_path_factory.mktemp("cohorts") / "p"
    with build(folder, {"subscriptions": test_value_forecast.rows()}) as company:
        for metric in ("mrr", "customers"):
            rows = company.value.forecast(metric=metric, months=4, as_of=as_of).rows
            assert len(rows) == 4
            for place, row in enumerate(rows):
                behind = company.value.ahead(metric=metric, period=str(row.period), as_of=as_of)
                assert sum(one.value for one in behind.rows) == pytest.approx(row.value)
                assert sum(one.is_new for one in behind.rows) == place + 1
                assert sum(one.last for one in behind.rows) == pytest.approx(row.last)
            now = company.value.accounts(
                metric=metric, start="2023-12", end="2023-12", as_of=as_of
            )
            assert now.value_to == rows[0].last
        with pytest.raises(NotAnsweredError, match="not among the 60 months"):
            company.value.ahead(period="2023-12", as_of=as_of)
        young = company.value.ahead(period="2022-08", as_of="2022-04-10")
        assert (young.rows, young.why) == ((), "a forecast needs 6 closed months; there are 3")


def test_the_rows_of_a_backtest_come_to_its_figures(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    as_of = test_value_forecast.AS_OF
    folder = tmp_path_factory.mktemp("judged") / "p"
    with build(folder, {"subscriptions": test_value_forecast.rows()}) as company:
        for metric in ("mrr", "customers"):
            asked = {"metric": metric, "months": 3, "as_of": as_of}
            record = company.value.forecast(**asked).backtest
            found = company.value.backtest(**asked)
            assert found.total == record
            # 24 months, 6 of them before the first origin: 18 origins, the last two seen less far.
            assert len({row.origin for row in found.rows}) == record.origins == 18
            assert len(found.rows) == 16 * 3 + 2 + 1
            for name, guess in (
                ("mape", "value"), ("trailing_mape", "trailing"), ("last_mape", "last"),
            ):
                misses = [abs(getattr(row, guess) - row.happened) / row.happened
                          for row in found.rows]
                assert sum(misses) / len(misses) == pytest.approx(getattr(record, name)), name
            known = [row.low <= row.happened <= row.high for row in found.rows
                     if row.low is not None and row.high is not None]
            assert sum(known) / len(known) == pytest.approx(record.coverage)
            assert [row.is_inside for row in found.rows if row.low is not None] == known
            # What happened is the metric itself, and the last value that of the origin.
            first = found.rows[0]
            assert (str(first.origin), first.horizon, str(first.period)) == (
                "2022-06-01", 1, "2022-07-01",
            )
            close = company.value.accounts(
                metric=metric, start="2022-06", end="2022-07", as_of=as_of
            )
            assert (first.last, first.happened) == (close.value_from, close.value_to)
        young = company.value.backtest(as_of="2022-04-10")
        assert (young.rows, young.why) == ((), "a forecast needs 6 closed months; there are 3")
        first_only = company.value.backtest(as_of="2022-07-10")
        assert first_only.rows == ()
        assert first_only.why == "no past month has a later one to be judged by"


def test_a_part_that_there_is_not_is_refused(company: Company) -> None:
    asked = {"start": "2024-02", "end": "2024-03"}
    with pytest.raises(UnknownNameError, match="Did you mean 'churned_mrr'"):
        company.value.accounts(metric="mrr", part="churnd_mrr", **asked)
    late = company.value.accounts(metric="mrr", start="2024-02", end="2024-03",
                                  as_of="2024-03-10")
    assert (late.rows, late.why) == ((), "the period is still open")


def test_numbers_of_the_pages_lead_to_rows_that_sum_to_them(many: Company) -> None:
    client = TestClient(create_app(many))
    pages = {
        "/metrics/arpa?from=2024-05&to=2024-06&panel=changed": "/value/accounts",
        "/metrics/customer_churn_rate?from=2024-05&to=2024-06&panel=compared": "/value/pooled",
        "/value?panel=tree&as_of=2024-11-01": "/value/accounts",
        "/value?panel=forecast&as_of=2024-11-01": "/value/ahead",
    }
    # The same panel leads to the rows of the track record as well.
    both = [*pages.items(), ("/value?panel=forecast&as_of=2024-11-01", "/value/backtest")]
    for address, leads_to in both:
        found = [one for one in links(client.get(address).text) if one.href.startswith(leads_to)]
        assert found, address
        for link in (found[0], found[-1]):
            path, _mark, query = link.href.partition("?")
            answer = client.get(f"{path}.json?{query}").json()
            (listed,) = [one for one in answer["panels"] if one["rows"] and "total" in one]
            assert listed["total"]["rows"] == len(listed["rows"]) > 0, link.href
            assert client.get(link.href).status_code == 200
