"""One account whole: the page at /accounts/ID."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.i18n import N_
from staycurve.insights.account.asked import whose
from staycurve.insights.account.facts import STATUSES, AccountFacts, facts
from staycurve.insights.account.people import users
from staycurve.insights.account.similar import features
from staycurve.insights.answers import Kind
from staycurve.insights.invoices.invoice_rows import lines as invoice_lines
from staycurve.insights.shapes import plain, tables_of
from staycurve.insights.shared.params import CLASS_NAMES
from staycurve.interfaces.web import numbers
from staycurve.interfaces.web.account_health import HEALTH, PULSE
from staycurve.interfaces.web.account_notes import NOTES
from staycurve.interfaces.web.account_timeline import TIMELINE
from staycurve.interfaces.web.account_work import ACCOUNT_WORK, PLAN, act_on_account
from staycurve.interfaces.web.accounts_at import START, account_at
from staycurve.interfaces.web.answered import sentences, table_of, tables, text
from staycurve.interfaces.web.ask import Ask, link
from staycurve.interfaces.web.asking import answer_of
from staycurve.interfaces.web.page import Page, Panel, Shown
from staycurve.interfaces.web.reading import Card, Reading, shown
from staycurve.interfaces.web.recap_page import recap_at
from staycurve.interfaces.web.texts import _, plural
from staycurve.metrics.base import Unit
from staycurve.workspace import Company

MONTH = 365.25 / 12


def account_of(ask: Ask) -> str:
    """The id that the address names."""
    return ACCOUNT.name_in(ask.address)


def facts_of(ask: Ask) -> AccountFacts:
    """What is known of the account, found once for all panels."""
    return answer_of(ask, facts, account=account_of(ask))


def _look_up(company: Company, name: str) -> None:
    with company.reading() as engine:
        whose(engine, company, name, company.as_of())


def _why(found: AccountFacts, field: str) -> str:
    return _(found.unknown[field]) if field in found.unknown else ""


def length(days: int) -> str:
    """A number of days as people say it: in months from two on, in years from two on."""
    months = int(days / MONTH)
    if months < 2:
        return plural("%(n)s day", "%(n)s days", days) % {"n": days}
    if months < 24:
        return _("%(n)s months") % {"n": months}
    years, rest = divmod(months, 12)
    told = _("%(n)s years") % {"n": years}
    return f"{told} {_('%(n)s mo') % {'n': rest}}" if rest else told


def _day(value: Any) -> str:
    return text(value, Kind.DAY)


def _figures(ask: Ask) -> Shown:
    found = facts_of(ask)
    cards = [
        _mrr(ask, found), _stage(ask, found), _tenure(ask, found), _renewal(found),
        _satisfaction(ask, found), _usage(ask, found),
    ]
    rows = [
        {"figure": name, "value": plain(getattr(found, name)), "why": found.unknown.get(name)}
        for name in ("mrr", "plan", "stage", "stage_days", "tenure_days", "renews_on",
                     "is_cancel_requested", "last_active_on", "active_days", "open_tickets")
    ]
    return shown(rows, Reading(cards=cards, notes=found.notes), {"facts": found.as_dict()})


def _mrr(ask: Ask, found: AccountFacts) -> Card:
    note = _(STATUSES[found.status])
    if found.status == "paying" and found.plan:
        note = found.plan
    if found.churned_on:
        note = _("%(class)s churn on %(day)s") % {
            "class": _(CLASS_NAMES[found.end_class or "unknown"]), "day": _day(found.churned_on),
        }
        if found.plan:
            note += ", " + _("last on %(plan)s") % {"plan": found.plan}
    value = numbers.full(found.mrr, Unit.MONEY, ask.currency)
    return Card(
        "mrr", _("MRR"), f"{value} {ask.currency}" if found.mrr is not None else value,
        href="#subscriptions" if found.rows else "", why=_why(found, "mrr"), note=note,
    )


def _stage(ask: Ask, found: AccountFacts) -> Card:
    if found.stage_since is None or found.stage_days is None:
        return Card("stage", _("Stage"), numbers.UNKNOWN, why=_why(found, "stage"))
    note = _("for %(length)s, since %(day)s") % {
        "length": length(found.stage_days), "day": _day(found.stage_since),
    }
    return Card(
        "stage", _("Stage"), _(found.stage_label or ""), _(found.stage_reason or ""),
        f"{ask.url(kind='stage')}#timeline", note=note,
    )


def _tenure(ask: Ask, found: AccountFacts) -> Card:
    if found.tenure_days is None:
        return Card("tenure", _("Tenure"), numbers.UNKNOWN, why=_why(found, "tenure_days"))
    note = _("first paid %(day)s") % {"day": _day(found.first_paid_on)}
    return Card(
        "tenure", _("Tenure"), length(found.tenure_days), str(found.tenure_days),
        f"{ask.url(kind='movement')}#timeline", note=note,
    )


def _renewal(found: AccountFacts) -> Card:
    note = ""
    if found.is_cancel_requested:
        days = [one.cancel_requested_on for one in found.rows if one.cancel_requested_on]
        note = _("cancellation requested %(day)s") % {"day": _day(min(days))}
    elif found.renews_on:
        note = _("no cancellation requested")
    value = _day(found.renews_on) if found.renews_on else numbers.UNKNOWN
    return Card("renewal", _("Renewal"), value, why=_why(found, "renews_on"), note=note)


def _satisfaction(ask: Ask, found: AccountFacts) -> Card:
    if not found.scores:
        return Card("satisfaction", _("Satisfaction"), numbers.UNKNOWN, why=_why(found, "scores"))
    first = found.scores[0]
    value = numbers.full(first.score, Unit.COUNT)
    if first.scale_max:
        value = _("%(score)s of %(best)s") % {"score": value, "best": first.scale_max}
    note = _("%(kind)s, answered %(day)s") % {
        "kind": text(first.kind.upper(), Kind.NAME), "day": _day(first.answered_on),
    }
    return Card(
        "satisfaction", _("Satisfaction"), value, href=f"{ask.url(kind='answer')}#timeline",
        note=note,
    )


def _usage(ask: Ask, found: AccountFacts) -> Card:
    notes = []
    if found.active_days is not None:
        notes.append(plural(
            "active on %(n)s of the last 28 days", "active on %(n)s of the last 28 days",
            found.active_days,
        ) % {"n": found.active_days})
    if found.open_tickets is not None:
        notes.append(plural("%(n)s open ticket", "%(n)s open tickets", found.open_tickets)
                     % {"n": found.open_tickets})
    return Card(
        "usage", _("Last active"), _day(found.last_active_on), href="#users"
        if found.last_active_on else "", why=_why(found, "last_active_on"), note="; ".join(notes),
    )


def _who(ask: Ask) -> Shown:
    found = facts_of(ask)
    lines: list[tuple[str, str, str]] = [
        (_("Account"), found.account_id, ""),
        (_("Owner"), found.owner or "", ""),
        (_("Status"), _(STATUSES[found.status]), ""),
        (_("Industry"), found.industry or "", ""),
        (_("Country"), found.country or "", ""),
        (_("Employees"), numbers.full(found.employees, Unit.COUNT) if found.employees else "", ""),
        (_("Channel"), found.channel or "", ""),
        (_("Signed up"), _day(found.created_on) if found.created_on else "", ""),
    ]
    if found.customer_id != found.account_id:
        lines.append((_("Billed with"), found.customer_id, account_at(ask, found.customer_id)))
    if found.referred_by:
        lines.append((_("Referred by"), found.referred_by, account_at(ask, found.referred_by)))
    if found.invoice_lines:
        lines.append((
            _("Invoice lines"), numbers.full(found.invoice_lines, Unit.COUNT),
            link(invoice_lines.page, {
                "account": found.account_id, "as_of": ask.options.get("as_of", ""),
            }, ()),
        ))
    lines.append((_("Value recap"), _("to print or to send"), recap_at(found.account_id)))
    lines += [(key.replace("_", " "), value, "") for key, value in found.attributes.items()]
    rows = [{"field": label, "value": value or None} for label, value, _href in lines]
    return Shown(rows, {"lines": lines})


def _subscriptions(ask: Ask) -> Shown:
    found = facts_of(ask)
    made = tables(ask, found, "rows", "scores", "limits")
    notes = []
    if not found.rows:
        notes.append(_("No subscription is in force."))
    if not found.scores:
        notes.append(_("Satisfaction: %s.") % _why(found, "scores"))
    rows: list[Mapping[str, Any]] = [
        {"table": _(one.mark.title)} | row.as_dict()
        for one in tables_of(AccountFacts) for row in one.of(found)
    ]
    return shown(rows, Reading(tables=made, notes=notes))


def _users(ask: Ask) -> Shown:
    found = answer_of(ask, users, account=account_of(ask))
    rows = [row.as_dict() for row in found.rows]
    if not found.rows:
        return shown(rows, Reading(why=_(found.why or "")), {"why": found.why})
    own: type = type(found)
    [of] = tables_of(own)
    said = []
    if found.active is not None:
        said.append(
            plural("%(active)s of %(n)s user was active in the last 28 days.",
                   "%(active)s of %(n)s users were active in the last 28 days.", len(rows))
            % {"active": found.active, "n": len(rows)}
        )
    return shown(rows, Reading(said=said, tables=[_untitled(table_of(ask, of, found))]),
                 {"active": found.active})


def _features(ask: Ask) -> Shown:
    found = answer_of(ask, features, account=account_of(ask))
    rows = [row.as_dict() for row in found.rows]
    extra = {key: value for key, value in found.as_dict().items() if key != "rows"}
    if not found.rows:
        return shown(rows, Reading(why=_(found.why or N_("no usage yet"))), extra)
    own: type = type(found)
    [of] = tables_of(own)
    return shown(
        rows, Reading(said=sentences(found), tables=[_untitled(table_of(ask, of, found))]), extra
    )


def _untitled(table: Any) -> Any:
    from dataclasses import replace

    return replace(table, title="")


def _heading(ask: Ask) -> str:
    found = facts_of(ask)
    return found.name or found.account_id


PANELS: Sequence[Panel] = (
    Panel("figures", N_("At a glance"), N_("How does this account stand?"), "reading.html",
          _figures),
    Panel("who", N_("Account"), N_("Who is this account?"), "account.html", _who),
    Panel("subscriptions", N_("Subscriptions, satisfaction, limits"),
          N_("What does it pay for, and what did it last say?"), "reading.html", _subscriptions),
    ACCOUNT_WORK, PLAN, PULSE, TIMELINE, NOTES, HEALTH,
    Panel("users", N_("Users"), N_("Who uses the product, and who champions it?"),
          "reading.html", _users, is_late=True),
    Panel("features", N_("Features compared with similar accounts"),
          N_("What do similar accounts use that this one does not?"), "reading.html", _features,
          is_late=True),
)

ACCOUNT = Page(
    address=START + "{account:path}",
    place=160,
    title=N_("Account"),
    question=N_("Who is this account, and what happened to it?"),
    panels=tuple(PANELS),
    has_controls=False,
    is_listed=False,
    heading=_heading,
    can_be_cut=False,
    look_up=_look_up,
    takes_forms=True,
    act=act_on_account,
)
