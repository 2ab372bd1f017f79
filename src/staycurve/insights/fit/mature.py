"""Mature accounts: each judged at the same age, with its traits and what it was worth by then.

Younger accounts are left out: how they turn out is not known yet. So are excluded ones.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.shared import first_month
from staycurve.insights.shared.account_facts import SIZES, closing_sql
from staycurve.insights.shared.members import Question, spells_sql
from staycurve.insights.shared.reader import Reader
from staycurve.metrics.dimensions import FIRSTS_SQL
from staycurve.money import MICRO
from staycurve.period import AsOf
from staycurve.tables.engine import FAR, AnyEngine, timestamp

AGES = (13, 7, 4)
"""Months at which accounts may be judged; the first at which ENOUGH are so old is taken. Each is a
month past the renewal of yearly, half-yearly and quarterly plans: at 12 months none of those on a
yearly plan could have left, and the plan would look like loyalty."""
ENOUGH = 80
"""Accounts: with fewer, a half holds ten best ones at most."""
LEAST = 40
"""With fewer mature accounts nothing is said: a half of them holds five best ones."""
MOST_VALUES = 30
"""An attribute with more values tells accounts apart instead of grouping them."""
MOST_FEATURES = 15
"""Features whose use in the first 30 days is a trait: those that most accounts use."""
QUARTILES_FROM = 9
"""Numbers with at least so many values are banded into quarters."""

NOT_TRAITS = ("owner", "currency", "name", "parent_id", "email", "phone", "url", "website")
"""What says nothing about a kind of customer: who looks after it, and what names it."""

BEHAVIOUR = N_("First-month traits leave out accounts that churned within those 30 days.")
TODAY = N_("Account attributes are as they are today: one that changes with the outcome, such as a "
           "status, would be found as a trait.")


@dataclass
class Customer:
    """One mature account.

    Attributes
    ----------
    mrr_first, mrr_then, paid, mrr_now : float
        MRR at the close of its first paid day, at the judged age and now, and what it paid until
        that age, all in major units.
    months : int
        Whole months that it paid without a break, up to the judged age.
    nps : float, optional
        Mean of the last scores of its people.
    """

    account_id: str
    first_paid_on: dt.date
    mrr_first: float = 0.0
    mrr_then: float = 0.0
    mrr_now: float = 0.0
    paid: float = 0.0
    months: int = 0
    nps: float | None = None
    referred_by: str | None = None
    traits: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Mature:
    """Accounts that are old enough, by account_id.

    Attributes
    ----------
    age : int
        Months at which each is judged.
    young : int
        Paying accounts, now or before, that are not so old.
    lives : mapping
        Month → (churned in it, last seen after it) of all accounts, for the expected lifetime.
    skipped : tuple of str
        Attributes that were left out because they hold too many values.
    """

    age: int
    customers: tuple[Customer, ...]
    young: int
    lives: Mapping[int, tuple[int, int]]
    skipped: tuple[str, ...] = ()
    has_events: bool = False
    sql: str = ""

    def traits(self, customers: Sequence[Customer]) -> dict[str, list[str | None]]:
        """Trait → its value for each of the given accounts; None where it is not known."""
        names = sorted({name for one in customers for name in one.traits})
        return {name: [one.traits.get(name) for one in customers] for name in names}


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day some months on; the last of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month + 1, min(day.day, last))


def whole_months(start: dt.date, end: dt.date) -> int:
    """Whole months from one day to another."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if months_after(start, months) <= end else months - 1


def mature_of(company: Reader, seen: AsOf, age: int | None) -> Mature:
    """Accounts at their judged age, read once for a snapshot."""
    return company.kept(
        "mature accounts", (seen.at, age), lambda: _read(company, seen, age), most=4
    )


def _read(company: Reader, seen: AsOf, age: int | None) -> Mature:
    question = Question(company.config, seen)
    unseen = question.last_whole_day + dt.timedelta(days=1)
    sql = spells_statement(question)
    with company.seeing(seen) as engine:
        spells: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        firsts: dict[str, dt.date] = {}
        for account_id, first_on, *spell in engine.rows(sql):
            firsts[account_id] = first_on
            spells[account_id].append(tuple(spell))
        chosen = age or _age_of(firsts.values(), unseen)
        found = {
            one: _judged(one, first, spells[one], chosen)
            for one, first in firsts.items() if months_after(first, chosen) <= unseen
        }
        close = f"DATE '{seen.last_day}'"
        for account_id, mrr in engine.rows(closing_sql(company.config, close)):
            if account_id in found:
                found[account_id].mrr_now = mrr / MICRO
        lives = _lives(firsts, spells, unseen)
        skipped = _describe(engine, company, found)
        _first_items(engine, found)
        has_events = _behave(engine, question, found)
        _hear(engine, seen, found)
    ordered = tuple(found[one] for one in sorted(found))
    return Mature(chosen, ordered, len(firsts) - len(found), lives, skipped, has_events, sql)


def spells_statement(question: Question) -> str:
    """SQL of (account_id, first_paid_on, starts_on, ends_on, mrr, is_paying) from the first paid
    day on; money in micro-units."""
    return f"""WITH {spells_sql(question)},
firsts AS ({FIRSTS_SQL})
SELECT f.account_id, f.first_paid_on, s.starts_on, s.ends_on, s.mrr, s.is_paying
FROM firsts f
JOIN account_roots r ON r.account_id = f.account_id AND NOT r.is_excluded
JOIN spells s ON s.account_id = f.account_id AND s.starts_on >= f.first_paid_on
WHERE f.first_paid_on <= DATE '{question.as_of.last_day}'
ORDER BY f.account_id, s.starts_on"""


def _age_of(firsts: Iterable[dt.date], unseen: dt.date) -> int:
    ages = [whole_months(first, unseen) for first in firsts]
    return next((age for age in AGES if sum(one >= age for one in ages) >= ENOUGH), AGES[-1])


def _judged(
    account_id: str, first: dt.date, spells: Sequence[tuple[Any, ...]], age: int
) -> Customer:
    end = months_after(first, age)
    found = Customer(account_id, first)
    length = (end - first).days
    left: dt.date | None = None
    for starts_on, ends_on, mrr, is_paying in spells:
        if not is_paying and left is None:
            left = starts_on
        value = mrr / MICRO
        if starts_on <= first < ends_on:
            found.mrr_first = value
        # Judged at the close of the last day before the age: who leaves at that renewal is counted
        # in the next month.
        if starts_on < end <= ends_on:
            found.mrr_then = value
        days = (min(ends_on, end) - max(starts_on, first)).days
        if days > 0:
            found.paid += value * age * days / length
    found.months = age if left is None or left >= end else max(0, whole_months(first, left))
    return found


def _lives(
    firsts: Mapping[str, dt.date], spells: Mapping[str, Sequence[tuple[Any, ...]]], unseen: dt.date
) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for account_id, first in firsts.items():
        seen = max(0, whole_months(first, unseen))
        left = next((start for start, _end, _mrr, pays in spells[account_id] if not pays), None)
        month = seen
        if left is not None:
            month = max(1, whole_months(first, left - dt.timedelta(days=1)) + 1)
        has_left = left is not None and month <= seen
        gone, kept = found.get(min(month, seen), (0, 0))
        found[min(month, seen)] = (gone + has_left, kept + (not has_left))
    return found


def _describe(
    engine: AnyEngine, company: Reader, found: Mapping[str, Customer]
) -> tuple[str, ...]:
    """Traits from `accounts`: the declared columns and every attribute."""
    attributes: dict[str, dict[str, Any]] = {}
    for row in engine.rows(
        "SELECT account_id, industry, country, employees, channel, referred_by, attributes "
        "FROM accounts ORDER BY account_id"
    ):
        account_id, industry, country, employees, channel, referred_by, more = row
        one = found.get(account_id)
        if one is None:
            continue
        one.referred_by = referred_by
        own = {"industry": industry, "country": country, "channel": channel}
        if employees is not None:
            own["employees"] = next(
                label for low, label in reversed(SIZES) if employees >= low
            )
        one.traits.update({name: str(value) for name, value in own.items() if value})
        attributes[account_id] = json.loads(more) if more else {}
    if any(one.referred_by for one in found.values()):
        for one in found.values():
            one.traits["was_referred"] = "yes" if one.referred_by else "no"
    skipped = []
    for name in company.attributes():
        values = {
            key: more[name] for key, more in attributes.items() if more.get(name) not in (None, "")
        }
        if name.lower() in NOT_TRAITS or not values:
            continue
        banded = banded_of(values)
        if banded is None:
            skipped.append(name)
            continue
        for key, value in banded.items():
            found[key].traits[name] = value
    return tuple(sorted(skipped))


def banded_of(values: Mapping[str, Any]) -> dict[str, str] | None:
    """Values as texts, many numbers in quarters; None where there are too many to group by."""
    texts = {key: _text(value) for key, value in values.items()}
    numbers: dict[str, float] = {}
    for key, value in texts.items():
        try:
            numbers[key] = float(value)
        except ValueError:
            break
    distinct = sorted(set(numbers.values()))
    if len(numbers) == len(texts) and len(distinct) >= QUARTILES_FROM:
        order = sorted(numbers.values())
        cuts = sorted({order[len(order) * part // 4] for part in (1, 2, 3)} - {order[0]})
        names = _bands(cuts)
        return {
            key: names[sum(number >= cut for cut in cuts)] for key, number in numbers.items()
        }
    return texts if len(set(texts.values())) <= MOST_VALUES else None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip()


def _bands(cuts: Sequence[float]) -> list[str]:
    if not cuts:
        return ["any"]
    middle = [
        f"{low:g} to under {high:g}" for low, high in pairwise(cuts)
    ]
    return [f"under {cuts[0]:g}", *middle, f"{cuts[-1]:g} or more"]


def _first_items(engine: AnyEngine, found: Mapping[str, Customer]) -> None:
    """The plan, product and interval of the largest item on the first paid day."""
    for account_id, plan, product, interval in engine.rows(f"""WITH firsts AS ({FIRSTS_SQL})
SELECT account_id, plan, product, "interval"
FROM (
    SELECT f.account_id, i.plan, i.product, i."interval", row_number() OVER (
               PARTITION BY f.account_id
               ORDER BY i.amount DESC, i.subscription_id, coalesce(i.item_id, ''), i.starts_at
           ) AS place
    FROM firsts f
    JOIN mrr_items i ON i.account_id = f.account_id AND i.amount > 0
         AND i.starts_on <= f.first_paid_on AND coalesce(i.ends_on, {FAR}) > f.first_paid_on
) items
WHERE place = 1
ORDER BY account_id"""):
        if one := found.get(account_id):
            own = {"plan": plan, "product": product, "interval": interval}
            one.traits.update({name: str(value) for name, value in own.items() if value})


def _behave(
    engine: AnyEngine, question: Question, found: Mapping[str, Customer]
) -> bool:
    """What was done in the first 30 days, of accounts that were still there after them."""
    features = [row[0] for row in engine.rows(
        "SELECT feature, COUNT(DISTINCT account_id) AS accounts FROM usage_days "
        "WHERE feature IS NOT NULL AND account_id IS NOT NULL GROUP BY feature "
        f"ORDER BY accounts DESC, feature LIMIT {MOST_FEATURES}"
    )]
    if not features:
        return False
    dims = [first_month.ACTIVE_DAYS, *(first_month.USED + one for one in features)]
    sql = f"WITH firsts AS ({FIRSTS_SQL})\n{first_month.statement(dims, question.as_of)}"
    for account_id, *values in engine.rows(f"SELECT * FROM ({sql}) traits ORDER BY account_id"):
        one = found.get(account_id)
        if one is None or one.months < 1:
            continue
        one.traits.update(
            {dim: value for dim, value in zip(dims, values, strict=True) if value is not None}
        )
    return True


def _hear(engine: AnyEngine, seen: AsOf, found: Mapping[str, Customer]) -> None:
    """Answers: the profile survey's are traits, NPS scores a value, and what was said is words."""
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    profile: dict[str, dict[str, str]] = defaultdict(dict)
    for account_id, who, kind, survey, question, score, comment in engine.rows(f"""
SELECT r.root_id, coalesce(a.user_id, a.answer_id) AS who, a.kind, a.survey, a.question, a.score,
       a.comment
FROM answers a
LEFT JOIN users u ON u.user_id = a.user_id
JOIN account_roots r ON r.account_id = coalesce(a.account_id, u.account_id)
WHERE a.answered_at < {timestamp(seen.at)}
ORDER BY a.answered_at, a.answer_id"""):
        one = found.get(account_id)
        if one is None:
            continue
        if kind == "nps" and score is not None:
            scores[account_id][who] = float(score)
        if kind == "profile":
            value = comment if comment is not None else _number(score)
            if value:
                profile[question or survey].setdefault(account_id, value)
        if comment:
            one.words.append(comment)
    for account_id, by_person in scores.items():
        found[account_id].nps = sum(by_person.values()) / len(by_person)
    for asked, answers in profile.items():
        for account_id, value in (banded_of(answers) or {}).items():
            found[account_id].traits[f"answer: {asked}"] = value


def _number(score: Any) -> str | None:
    return None if score is None else f"{float(score):g}"


