"""Saved views and annotations: kept, cleaned, bounded, and every change in the audit trail."""

from __future__ import annotations

import datetime as dt

import pytest

from staycurve.errors import UnknownNameError, UsageError
from staycurve.state import cleaning
from staycurve.workspace import Company
from tests.company import NOW


def test_nothing_is_kept_at_first(company: Company) -> None:
    assert company.state.views() == ()
    assert company.state.annotations() == ()
    assert company.state.audit() == ()


def test_reading_makes_no_file(company: Company) -> None:
    company.state.views()
    assert not (company.folder / "app.db").exists()


def test_a_view_is_kept_renamed_and_deleted(company: Company) -> None:
    made = company.state.save_view("  EU \t plans ", "/metrics/mrr", "grain=week", by="Ana")
    assert (made.name, made.url, made.created_by) == (
        "EU plans", "/metrics/mrr?grain=week", "Ana"
    )
    assert made.created_at == NOW
    company.state.rename_view(made.id, "Europe", by="Ben")
    (kept,) = company.state.views()
    assert (kept.id, kept.name) == (made.id, "Europe")
    assert company.state.view("Europe") == company.state.view(str(made.id)) == kept
    company.state.delete_view(made.id, by="Cem")
    assert company.state.views() == ()
    trail = [
        (one.who, one.what, one.subject, dict(one.detail)) for one in company.state.audit()
    ]
    url = "/metrics/mrr?grain=week"
    subject = f"view {made.id}"
    assert trail == [
        ("Cem", "view.deleted", subject, {"name": "Europe", "url": url}),
        ("Ben", "view.renamed", subject, {"name": "Europe", "url": url, "before": "EU plans"}),
        ("Ana", "view.saved", subject, {"name": "EU plans", "url": url}),
    ]
    assert {one.at for one in company.state.audit()} == {NOW}


def test_a_name_is_given_once_and_what_fails_leaves_no_trace(company: Company) -> None:
    first = company.state.save_view("one", "/", "")
    second = company.state.save_view("two", "/", "")
    with pytest.raises(UsageError, match="Another view is named 'one'"):
        company.state.save_view("one ", "/cohorts", "")
    with pytest.raises(UsageError, match="Another view is named 'one'"):
        company.state.rename_view(second.id, "one")
    company.state.rename_view(first.id, "one")
    assert [view.name for view in company.state.views()] == ["one", "two"]
    assert len(company.state.audit()) == 3


def test_what_is_not_there_is_named(company: Company) -> None:
    company.state.save_view("one", "/", "")
    for act in (lambda: company.state.delete_view(99), lambda: company.state.view("tow"),
                lambda: company.state.rename_view(99, "x")):
        with pytest.raises(UnknownNameError):
            act()
    for number in (1, 0, -1, 2**31, 2**63, 10**30):
        with pytest.raises(UnknownNameError):
            company.state.delete_annotation(number)
        if number != 1:
            with pytest.raises(UnknownNameError):
                company.state.delete_view(number)


def test_the_number_of_a_deleted_view_is_not_given_again(company: Company) -> None:
    first = company.state.save_view("one", "/", "")
    company.state.delete_view(first.id)
    assert company.state.save_view("two", "/", "").id > first.id


def test_annotations_stand_by_day_and_metric(company: Company) -> None:
    company.state.annotate("2024-05-03", "Outage", author="Ana")
    company.state.annotate("2024-05-01", "Price change", metric="mrr")
    company.state.annotate("2024-05-02", "New survey", metric="nps")
    assert [(one.day, one.text) for one in company.state.annotations()] == [
        (dt.date(2024, 5, 1), "Price change"), (dt.date(2024, 5, 2), "New survey"),
        (dt.date(2024, 5, 3), "Outage"),
    ]
    assert [one.text for one in company.state.annotations("mrr", "arr")] == [
        "Price change", "Outage",
    ]
    gone = company.state.delete_annotation(company.state.annotations()[0].id, by="Ben")
    assert gone.text == "Price change"
    last = company.state.audit()[0]
    assert (last.who, last.what) == ("Ben", "annotation.deleted")
    assert last.detail == {
        "day": "2024-05-01", "text": "Price change", "metric": "mrr", "author": "",
    }


def test_an_annotation_names_a_metric_that_there_is(company: Company) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'mrr'"):
        company.state.annotate("2024-05-01", "x", metric="mmr")
    assert company.state.audit() == ()


@pytest.mark.parametrize(
    "day",
    ["", "yesterday", "2024-02-30", "20240501", "2024-W18-3", "0001-01-01", "2024-05",
     "２０２４-05-01"],
)
def test_what_is_no_day_is_refused(day: str) -> None:
    with pytest.raises(UsageError, match="is not a day"):
        cleaning.day(day)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("one\r\ntwo\u2028three", "one two three"),
        ("\u202egnp.exe", "gnp.exe"),
        ("e\u0301", "é"),
        ("\ud800x", "x"),
        ("<b>&amp;", "<b>&amp;"),
        ("日本 👩‍💻", "日本 👩‍💻"),
    ],
)
def test_texts_are_cleaned_and_kept(company: Company, given: str, kept: str) -> None:
    assert company.state.annotate("2024-05-01", given).text == kept
    assert company.state.save_view(given, "/", "").name == kept
    assert company.state.annotations()[0].text == kept
    assert company.state.views()[0].name == kept


@pytest.mark.parametrize(("text", "said"), [("x" * 501, "501 letters"), (" \x07 ", "is empty")])
def test_texts_are_bounded(company: Company, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        company.state.annotate("2024-05-01", text)
    assert company.state.annotations() == ()
    assert len(company.state.annotate("2024-05-01", "x" * 500).text) == 500
