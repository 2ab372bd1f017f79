"""Which features work, need work or lie unused: the page at /features."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.errors import NotAnsweredError
from staycurve.i18n import N_
from staycurve.insights.features.feature_adoption import Adopted, adoption
from staycurve.insights.features.feature_report import FeatureReport, report
from staycurve.insights.features.feature_retention import SPANS
from staycurve.insights.features.feature_row import Feature
from staycurve.interfaces.web import numbers, periods as naming
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.choosing import chooser, chosen_of, month_choice, month_of, switch_of
from staycurve.interfaces.web.feature_limits import LIMITS, limits_of
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.reading import (
    Card,
    Cell,
    Head,
    Line,
    Reading,
    Table,
    compared,
    count,
    measure,
    month,
    named,
    nothing,
    percent,
    points,
    shown,
    told,
    whole,
    words,
)
from staycurve.interfaces.web.texts import _
from staycurve.metrics.base import Unit

RANKS = {
    "all": N_("All"), "works": N_("Works"), "needs_work": N_("Needs work"),
    "unused": N_("Unused"), "step": N_("Steps of onboarding"), "none": N_("Not ranked"),
}
STATUSES = {"paying": N_("Paying"), "trial": N_("In a trial"), "other": N_("Neither")}
MONTHS = 12


def _rank(row: Feature) -> str:
    return row.rank.replace(" ", "_") or "none"


def report_of(ask: Ask, *, spans: int = 0) -> FeatureReport:
    """The feature report of the asked month; without spans it leaves retention out."""
    return answer_of(ask, report, period=str(month_of(ask).start)[:7], spans=spans)


def _opens(
    ask: Ask, part: str, feature: str = "", period: str | None = None, breadth: int | None = None
) -> str:
    return ask.url(
        "/features/accounts", part=part, feature=feature or None,
        breadth=None if breadth is None else str(breadth),
        period=period or naming.name(month_of(ask), ask.fiscal),
    )


def _figures(ask: Ask) -> Shown:
    found = report_of(ask)
    if not found.active_accounts:
        return nothing(ask, told(found.why), "events")
    ranked = {rank: [r for r in found.rows if _rank(r) == rank] for rank in RANKS}
    active = found.active_accounts
    cards = [
        Card("active", _("Active accounts"), whole(active), whole(active), _opens(ask, "active")),
        *(
            Card(
                rank, label, whole(len(ranked[rank])), whole(len(ranked[rank])),
                ask.url(rank=rank, panel=None) + "#report",
                note=", ".join(named(r.feature) for r in ranked[rank][:3])
                + (" …" if len(ranked[rank]) > 3 else ""),
            )
            for rank, label in (
                ("works", _("Features that work")), ("needs_work", _("Need work")),
                ("unused", _("Unused")),
            )
        ),
        Card(
            "breadth", _("Features an account uses, on average"),
            numbers.full(found.breadth.mean, Unit.RATIO), str(found.breadth.mean),
            _opens(ask, "breadth"),
        ),
        *_ceiling(ask),
    ]
    rows = [{"figure": card.name, "label": card.label, "value": card.full} for card in cards]
    when = ask.label(month_of(ask))
    if found.period.is_open:
        when += f" ({_('to date')})"
    return shown(rows, Reading(cards=cards, when=when))


def _ceiling(ask: Ask) -> list[Card]:
    try:
        found = limits_of(ask)
    except NotAnsweredError:
        # A filter may be about events alone, which no allowance is; the panel of limits says so.
        return []
    if not found.summary:
        return []
    close = sum(row.near + row.above for row in found.summary)
    above = sum(row.above for row in found.summary)
    return [Card(
        "ceiling", _("Accounts near their limit or above it"), whole(close), str(close),
        ask.url("/features/limits", state="close", feature=None,
                period=naming.name(month_of(ask), ask.fiscal)),
        note=_("%s of them above") % whole(above),
    )]


def _report(ask: Ask) -> Shown:
    found = report_of(ask)
    if not found.active_accounts:
        return nothing(ask, told(found.why), "events")
    chosen = chosen_of(ask, "rank", RANKS, "all")
    lines_of = _by_feature(answer_of(ask, adoption, months=MONTHS).rows)
    rows = [row for row in found.rows if chosen in ("all", _rank(row))]
    counts = {
        rank: str(sum(rank in ("all", _rank(row)) for row in found.rows)) for rank in RANKS
    }
    texts = {rank: label for rank, label in RANKS.items() if counts[rank] != "0"}
    has_errors = any(row.errors is not None for row in rows)
    lines = [_report_line(ask, row, lines_of, has_errors=has_errors) for row in rows]
    heads = [
        Head(_("Feature")), Head(_("Judgement"), _(found.rule), is_text=True),
        Head(_("Adoption"), _("Accounts using it / accounts active in the month")),
        Head(_("Accounts")), Head(_("Users")),
        Head(_("Change, points"), _("Adoption against three months before")),
        Head(_("Last twelve months")),
        Head(_("Uses an account"), _("Uses in the month / accounts using it")),
        Head(_("Back within 28 days"), _("Of the accounts that used it in the 28 days before, the "
                                         "share that used it again")),
        *([Head(_("Error rate"))] if has_errors else []),
    ]
    switch = switch_of(
        ask, "report", "rank", _("Judgement"), texts | {chosen: RANKS[chosen]}, "all", counts
    )
    rest = found.rest
    more = [_("%(count)s other features are not shown one by one; the most used of them has "
              "%(most)s accounts.") % {"count": rest.features, "most": rest.most_accounts}]
    return shown(
        [{**row.as_dict(), "rows_at": _opens(ask, "using", row.feature)} for row in rows],
        Reading(
            switches=[switch],
            tables=[Table(_("Features"), heads, lines), _months(ask, rows, lines_of)],
            notes=[_(found.rule), *(more if rest.features else []),
                   *(_sentence(note) for note in found.notes)],
            why="" if rows else _("no feature is in this group"),
        ),
        {"active_accounts": found.active_accounts, "statuses": found.statuses,
         "breadth": found.breadth.as_dict(), "rule": found.rule},
    )


def _sentence(text: str) -> str:
    told = _(text)
    return told[:1].upper() + told[1:] + "."


def _by_feature(rows: Sequence[Adopted]) -> dict[str, list[Adopted]]:
    found: dict[str, list[Adopted]] = {}
    for row in rows:
        found.setdefault(row.feature, []).append(row)
    return found


def _report_line(
    ask: Ask, row: Feature, lines_of: Mapping[str, Sequence[Adopted]], *, has_errors: bool
) -> Line:
    feature = row.feature
    using = _opens(ask, "using", feature)
    values = [one.value for one in lines_of.get(feature, ())]
    reasons = "; ".join(_(reason) for reason in row.reasons) or told(row.rank_why)
    moved = row.change_3m
    cells = [
        words(_(row.rank_label), beneath=reasons),
        measure(row.adoption, using),
        count(row.accounts, using),
        count(row.users, ask.url(
            "/features/users", feature=feature, period=naming.name(month_of(ask), ask.fiscal))),
        Cell(points(moved), about="" if moved is not None else told(row.change_why)),
        Cell("", spark=numbers.sparkline(list(values))),
        Cell(numbers.full(row.depth, Unit.RATIO), using if row.depth is not None else ""),
        measure(row.repeat, _opens(ask, "again", feature)),
    ]
    if has_errors:
        cells.append(Cell(
            percent(row.error_rate), using if row.error_rate is not None else ""))
    return Line(words(named(feature)), cells)


def _months(
    ask: Ask, rows: Sequence[Feature], lines_of: Mapping[str, Sequence[Adopted]]
) -> Table:
    """Adoption month by month: the numbers behind the small lines."""
    months: list[dt.date] = list(
        dict.fromkeys(one.period for own in lines_of.values() for one in own)
    )[::-1]
    lines = []
    for row in rows:
        own = {one.period: one for one in lines_of.get(row.feature, ())}
        lines.append(Line(words(named(row.feature)), [
            Cell(percent(own[day].value), _opens(ask, "using", row.feature, own[day].month))
            if day in own and own[day].value is not None else Cell("")
            for day in months
        ]))
    heads = [Head(_("Feature")), *(Head(month(ask, day)) for day in months)]
    return Table(
        _("Adoption month by month"), heads, lines, is_folded=True,
        title=_("Adoption month by month"),
    )


def _statuses(ask: Ask) -> Shown:
    found = report_of(ask)
    if not found.active_accounts:
        return nothing(ask, told(found.why), "events")
    lines, rows = [], []
    for row in found.rows:
        feature = row.feature
        shares = {name: getattr(row, name) for name in STATUSES}
        rows.append({
            "feature": feature, **{name: share.as_dict() for name, share in shares.items()},
        })
        cells = [
            measure(share, _opens(ask, f"using_{name}", feature)) for name, share in shares.items()
        ]
        lines.append(Line(words(named(feature)), cells))
    heads = [
        Head(_("Feature")),
        *(Head(f"{_(label)} ({whole(found.statuses.get(name, 0))})")
          for name, label in STATUSES.items()),
    ]
    everybody = Line(words(_("Active accounts")), [
        count(found.statuses.get(name, 0), _opens(ask, name)) for name in STATUSES
    ])
    return shown(rows, Reading(
        tables=[Table(_("Adoption by status"), heads, lines, everybody)],
        notes=[_("Each share is of the active accounts that paid, were in a trial, or neither at "
                 "the month's close, with its 95% interval. Accounts in a trial are newer as a "
                 "rule, and have had less time to find things.")],
    ))


def _breadth(ask: Ask) -> Shown:
    found = report_of(ask).breadth
    if not found.rows:
        return nothing(ask, told(report_of(ask).why), "events")
    total = sum(row.accounts for row in found.rows)
    rows, lines = [], []
    for row in found.rows:
        share = row.accounts / total
        href = _opens(ask, "breadth", breadth=row.features)
        rows.append({**row.as_dict(), "rows_at": href})
        lines.append(Line(words(whole(row.features)), [
            count(row.accounts, href), Cell(percent(share), href, meter=(share, share, share)),
        ]))
    foot = Line(words(_("All")), [count(total, _opens(ask, "breadth")), Cell("")])
    heads = [Head(_("Features used")), Head(_("Accounts")), Head(_("Share"))]
    return shown(rows, Reading(
        tables=[Table(_("Accounts by how many features they use"), heads, lines, foot)],
    ), {"mean": found.mean})


def _stay(ask: Ask) -> Shown:
    found = report_of(ask, spans=SPANS)
    beside = found.retention
    rows = [(row.feature, row.retention) for row in found.rows if row.retention]
    if not rows:
        why = beside.why or found.why or N_("no feature was used long enough ago")
        return nothing(ask, _(why), "events")
    lines, flat = [], []
    for feature, own in rows:
        flat.append({"feature": feature, **own.as_dict()})
        lines.append(Line(words(named(feature)), [
            measure(own.users, _opens(ask, "kept", feature)),
            measure(own.others, _opens(ask, "others_kept", feature)),
            *compared(own),
        ]))
    heads = [
        Head(_("Feature")), Head(_("Users that still paid")), Head(_("Others that still paid")),
        Head(_("Difference, points")),
        Head(_("Among comparable accounts"), _("Stratified by all confounders")),
        Head(_("What can be said"), is_text=True),
    ]
    spans = beside.spans
    when = _("%(count)s spans of %(months)s months, from %(first)s to %(last)s.") % {
        "count": len(spans), "months": beside.months,
        "first": min(one.base for one in spans), "last": max(one.close for one in spans),
    } if spans else ""
    return shown(
        flat,
        Reading(
            tables=[Table(_("Retention of users and others"), heads, lines)],
            notes=[f"{_(beside.about)} {when}", _(beside.method)],
        ),
        {"method": beside.method, "spans": [one.as_dict() for one in spans]},
    )


def _panel(name: str, title: str, question: str, show: Any, *, is_late: bool = False) -> Panel:
    return Panel(name, title, question, "reading.html", show, is_late)


FEATURES = Page(
    address="/features",
    place=70,
    title=N_("Features"),
    question=N_("Which features work, which need work, and which are unused?"),
    panels=(
        chooser(month_choice),
        _panel("figures", N_("Features at a glance"), N_("How many features work?"), _figures),
        _panel("report", N_("Feature report"), N_("How does each feature do?"), _report),
        _panel("statuses", N_("Trial and paying accounts"),
               N_("Which features do paying accounts use that trials do not?"), _statuses),
        LIMITS,
        _panel("stay", N_("Usage and retention"), N_("Do accounts that use a feature stay longer?"),
               _stay, is_late=True),
        _panel("breadth", N_("Breadth of usage"),
               N_("How many features does an account use?"), _breadth),
    ),
    has_controls=False,
    needs=("events",),
    group=Group.BEHAVIOUR,
    options=("period", "rank"),
)
