"""The writer: batches by name once, cursors that only go forward, rows of any kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from staycurve.errors import SourceError
from staycurve.sources.base import Pull, Sender, Stream
from staycurve.sources.batches import Batch
from staycurve.sources.cursors import Cursor
from staycurve.sources.mapping import Feed
from staycurve.sources.port import FileReport
from staycurve.sources.writer import LakeWriter
from tests.sources.company import NOW, Company, counts


def nothing(pull: Pull[None]) -> Sequence[Batch]:
    return ()


DEALS = Sender("crm", "crm", Stream(
    "deals", "Deals.", nothing,
    (
        Feed("subscriptions", columns={
            "id": ("subscription_id",), "who": ("account_id",), "from": ("starts_at",),
            "monthly": ("amount",),
        }),
        Feed("accounts", columns={"who": ("account_id",), "label": ("name",)}),
    ),
))
DEAL = {"id": "d1", "who": "acme", "label": "Acme", "from": "2024-01-01", "monthly": 10}


def write(company: Company, *batches: Batch, **more: Any) -> list[FileReport]:
    return LakeWriter(company.lake, company.config, now=NOW).write(batches, sender=DEALS, **more)


def cursor(company: Company) -> Cursor | None:
    return LakeWriter(company.lake, company.config, now=NOW).cursor(DEALS)


def test_rows_feed_every_table_and_the_cursor_comes_with_them(company: Company) -> None:
    assert cursor(company) is None
    reports = write(company, Batch([DEAL], Cursor("2024-01-01", {"page": 2})))
    assert [(one.file, one.table, *counts(one)) for one in reports] == [
        ("crm/deals", "accounts", 1, 0, 0), ("crm/deals", "subscriptions", 1, 0, 0)
    ]
    assert company.rows("accounts", "account_id, name") == [("acme", "Acme")]
    assert cursor(company) == Cursor("2024-01-01", {"page": 2})


def test_a_batch_of_one_name_is_taken_once(company: Company) -> None:
    first = Batch([DEAL], Cursor(1), id="segment-1")
    assert len(write(company, first)) == 2
    assert write(company, first) == []
    reports = write(company, first, Batch([{**DEAL, "id": "d2"}], Cursor(2), id="segment-2"))
    assert [counts(one) for one in reports] == [(0, 1, 0), (1, 0, 0)]
    assert len(company.lake.pointer.loads()) == 4


def test_a_cursor_never_goes_back(company: Company) -> None:
    write(company, Batch([DEAL], Cursor(5, {"a": 1})))
    write(company, Batch([{**DEAL, "monthly": 20}], Cursor(3, {"b": 2})))
    assert cursor(company) == Cursor(5, {"a": 1})
    assert company.rows("subscriptions", "amount") == [(20_000_000,)]
    write(company, Batch([DEAL], Cursor(6, {"b": 2, "a": None})))
    assert cursor(company) == Cursor(6, {"b": 2})
    write(company, Batch([DEAL], Cursor(1)), is_restart=True)
    assert cursor(company) == Cursor(1)


def test_cursors_of_two_kinds_cannot_be_compared(company: Company) -> None:
    write(company, Batch([DEAL], Cursor(5)))
    with pytest.raises(SourceError, match="cannot be compared"):
        write(company, Batch([DEAL], Cursor("2024-01-01")))
    assert cursor(company) == Cursor(5)
    write(company, Batch([DEAL], Cursor("2024-01-01")), is_restart=True)
    assert cursor(company) == Cursor("2024-01-01")


@pytest.mark.parametrize("given", [
    {"at": 1.5}, {"at": True}, {"at": None}, {"at": 1, "kept": {"x": dt.date(2024, 1, 1)}},
    {"at": 1, "kept": {"x": float("nan")}},
])
def test_a_cursor_is_json(given: dict[str, Any]) -> None:
    with pytest.raises(SourceError):
        Cursor(**given)


def test_a_stream_whose_tables_one_fails_keeps_no_cursor(company: Company) -> None:
    wrong = Sender("crm", "crm", Stream("deals", "Deals.", nothing, (
        Feed("accounts", columns={"who": ("account_id",)}),
        Feed("subscriptions", columns={"id": ("subscription_ident",)}),
    )))
    writer = LakeWriter(company.lake, company.config, now=NOW)
    reports = writer.write([Batch([DEAL], Cursor(1))], sender=wrong)
    assert [one.error is None for one in reports] == [True, False]
    assert "subscription_ident" in str(reports[1].error)
    assert writer.cursor(wrong) is None


class _Odd:
    def __repr__(self) -> str:
        return "odd"


ODD = _Odd()


@pytest.mark.parametrize(("row", "rule"), [
    (["d1"], "is no object of fields and values"),
    (None, "is no object of fields and values"),
    ({**DEAL, "label": ODD}, "has a value in 'label' that is no text, number, list or object"),
    ({**DEAL, "label": b"x"}, "has a value in 'label' that is no text, number, list or object"),
    ({**DEAL, "label": {"x": [ODD]}},
     "has a value in 'label' that is no text, number, list or object"),
    ({**DEAL, 5: "x"}, "has a field whose name is no text: 5"),
    ({**DEAL, "label": "\ud800"}, "holds half of a surrogate pair (\\ud800), which is no text"),
    ({**DEAL, "from": "soon"}, "is not an instant"),
    ({**DEAL, "monthly": True}, "is not a"),
    ({**DEAL, "monthly": float("nan")}, "is not a"),
    ({**DEAL, "id": None}, ""),
    ({}, ""),
], ids=str)
def test_what_is_no_row_is_rejected_with_the_reason(
    row: Any, rule: str, company: Company
) -> None:
    main = Sender("crm", "crm", Stream("deals", "Deals.", nothing, DEALS.stream.feeds[:1]))
    writer = LakeWriter(company.lake, company.config, now=NOW)
    (report,) = writer.write([Batch([DEAL, row], Cursor(1))], sender=main)
    assert counts(report) == (1, 0, 1)
    ((_, line, _, _, said),) = company.rejects()
    assert line == 2
    assert said
    assert rule in said
    assert writer.cursor(main) == Cursor(1)


def test_values_keep_every_digit_and_instants_are_read(company: Company) -> None:
    write(company, Batch([{
        **DEAL, "monthly": Decimal("123456.123456"),
        "from": dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC),
    }]))
    assert company.rows("subscriptions", "amount, CAST(starts_at AS VARCHAR)") == [
        (123_456_123_456, "2024-01-01 12:00:00")
    ]


def test_a_cursor_alone_is_kept_without_rows(company: Company) -> None:
    reports = write(company, Batch([], Cursor(7)))
    assert [counts(one) for one in reports] == [(0, 0, 0), (0, 0, 0)]
    assert cursor(company) == Cursor(7)


def test_a_dry_run_leaves_nothing_for_the_next_load(company: Company) -> None:
    # The numbers of its tables' versions are given again, to others.
    write(company, Batch([DEAL]), is_dry_run=True)
    write(company, Batch([{**DEAL, "who": "bolt"}]))
    assert company.rows("accounts", "account_id") == [("bolt",)]
