"""Answers, tickets, trials, leads and reach (sections 6 and 8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction

from .book import Book
from .cells import Row, moment, number, text
from .cuts import TRAITS, Cut, takes_row
from .flows import Ledger
from .periods import Period, local_day
from .revenue import Formula, Number, ratio
from .spans import Stretch

REOPENED_WITHIN = timedelta(days=7)
CONVERTED_WITHIN = timedelta(days=30)


def rows_in(book: Book, table: str, column: str, period: Period, cut: Cut) -> Iterator[Row]:
    """The table's rows whose instant lies in the period and before as-of.

    Rows of excluded accounts are left out; rows of unknown accounts wait.
    """
    for row in book.tables.get(table, ()):
        at = moment(row, column, book.settings.zone)
        account = text(row, "account_id")
        if at is None or at >= book.settings.as_of or book.is_excluded(account):
            continue
        if account is not None and account not in book.known:
            continue
        day = local_day(at, book.settings.zone)
        if period.start <= day < period.end and takes_row(book, cut, table, row):
            yield row


def _answers(ledger: Ledger, kind: str, period: Period, cut: Cut) -> list[Row]:
    return [
        row
        for row in rows_in(ledger.book, "answers", "answered_at", period, cut)
        if text(row, "kind") == kind and number(row, "score") is not None
    ]


def nps(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """Promoters less detractors per hundred people, −100 to 100."""
    zone = ledger.book.settings.zone

    def order(row: Row) -> tuple[datetime, str]:
        at = moment(row, "answered_at", zone)
        assert at is not None
        return at, text(row, "answer_id") or ""

    last: dict[tuple[str, str | None], Fraction] = {}
    for row in sorted(_answers(ledger, "nps", period, cut), key=order):
        user, score = text(row, "user_id"), number(row, "score")
        assert score is not None
        last[("user", user) if user else ("answer", text(row, "answer_id"))] = score
    promoters = sum(score >= 9 for score in last.values())
    detractors = sum(score <= 6 for score in last.values())
    return ratio(100 * (promoters - detractors), len(last))


def csat(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """The part of answers at 4–5 on a scale of 5, or 7–10 on a scale of 10."""
    answers = _answers(ledger, "csat", period, cut)
    content = 0
    for row in answers:
        score, top = number(row, "score"), number(row, "scale_max")
        assert score is not None
        content += score >= (7 if top == 10 else 4)
    return ratio(content, len(answers))


def fcr(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """The part of solved tickets that took one contact and stayed solved for 7 days."""
    book = ledger.book
    rule = book.settings.conventions.fcr
    told = "customer_contacts" if rule == "customer_replies" else "agent_contacts"
    solved = [
        row for row in rows_in(book, "tickets", "solved_at", period, cut)
        if row.get("solved_by") == "bot" or number(row, told) is not None
    ]
    first = 0
    for row in solved:
        solved_at = moment(row, "solved_at", book.settings.zone)
        again_at = moment(row, "reopened_at", book.settings.zone)
        assert solved_at is not None
        is_reopened = (
            again_at is not None
            and again_at < book.settings.as_of
            and solved_at <= again_at <= solved_at + REOPENED_WITHIN
        )
        is_bot, contacts = row.get("solved_by") == "bot", number(row, told)
        is_first = {
            "agent_replies": contacts == 1,
            "customer_replies": contacts in (0, 1) and not is_bot,
            "include_bots": contacts == 1 or (is_bot and contacts in (0, None)),
        }[rule]
        first += is_first and not is_reopened
    return ratio(first, len(solved))


def response_rate(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """Answers of the period / invitations of the period."""
    answers = rows_in(ledger.book, "answers", "answered_at", period, cut)
    invitations = rows_in(ledger.book, "invitations", "asked_at", period, cut)
    return ratio(sum(1 for _ in answers), sum(1 for _ in invitations))


def _first_trials(book: Book, cut: Cut) -> Iterator[tuple[str, date, datetime | None]]:
    """Each account's first trial: the account, its first day, and when the run of it ended."""
    zone = book.settings.zone
    for account in cut.accounts(book):
        trials = sorted(
            (s for s in book.stretches.get(account, ()) if s.span.status == "trialing"),
            key=lambda s: (s.starts_at, s.item),
        )
        if not trials or not _has_traits(trials[0], cut):
            continue
        end = trials[0].span.ends_at
        for later in trials[1:]:
            if end is None or later.item != trials[0].item:
                continue
            if local_day(later.starts_at, zone) == local_day(end, zone):
                end = later.span.ends_at
        yield account, local_day(trials[0].starts_at, zone), end


def _has_traits(trial: Stretch, cut: Cut) -> bool:
    return all(
        getattr(trial.span, name) == value for name, value in cut.wanted.items() if name in TRAITS
    )


def trial_starts(ledger: Ledger, period: Period, cut: Cut) -> Number:
    trials = _first_trials(ledger.book, cut)
    return Fraction(sum(period.start <= day < period.end for _, day, _ in trials))


def trial_conversion_rate(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """Of the trials begun in the period and ended by as-of, the part paid within 30 days."""
    book = ledger.book
    mature = converted = 0
    for account, day, ended_at in _first_trials(book, cut):
        if ended_at is None or not period.start <= day < period.end:
            continue
        last = local_day(ended_at, book.settings.zone) + CONVERTED_WITHIN
        mature += 1
        converted += any(day <= paid <= last for paid in book.paying_days[account])
    return ratio(converted, mature)


def demo_requests(ledger: Ledger, period: Period, cut: Cut) -> Number:
    return Fraction(sum(1 for _ in rows_in(ledger.book, "leads", "demo_at", period, cut)))


def _reach(kind: str) -> Formula:
    def formula(ledger: Ledger, period: Period, cut: Cut) -> Number:
        rows = rows_in(ledger.book, "reach", "day", period, cut)
        counts = [number(row, "count") for row in rows if text(row, "kind") == kind]
        return sum((count for count in counts if count is not None), Fraction(0))

    return formula


def lead_rate(ledger: Ledger, period: Period, cut: Cut) -> Number:
    """Leads / visits."""
    leads = sum(1 for _ in rows_in(ledger.book, "leads", "created_at", period, cut))
    return ratio(leads, _reach("visits")(ledger, period, cut))


PEOPLE_FLOWS: dict[str, Formula] = {
    "trial_starts": trial_starts,
    "demo_requests": demo_requests,
    "visits": _reach("visits"),
    "social_engagements": _reach("social_engagements"),
    "mentions": _reach("mentions"),
}
PEOPLE_RATES: dict[str, Formula] = {
    "nps": nps,
    "csat": csat,
    "fcr": fcr,
    "response_rate": response_rate,
    "trial_conversion_rate": trial_conversion_rate,
    "lead_rate": lead_rate,
}
