"""The value recap of an account as a letter to it: the sentences and tables of its answer."""

from __future__ import annotations

from staycurve.actions.mails.documents import (
    Document,
    Grid,
    Part,
    count,
    day,
    readable,
    several,
    share,
)
from staycurve.i18n import N_
from staycurve.insights.account.facts import NOT_COUNTED
from staycurve.insights.account.recap import (
    ALL_TRIED,
    NO_LIMITS,
    NO_PLAN,
    NO_TICKETS,
    NO_USE,
    Recap,
)
from staycurve.insights.account.recap_similar import BASES, TOO_FEW
from staycurve.insights.account.recap_usage import BEGAN, NO_USE_KNOWN
from staycurve.insights.shared.known_use import NO_EVENTS

SHOWN = 12
"""Features that a letter lists; the others are counted."""
OFFERED = 5
"""Features that a letter proposes: of more, none is tried."""

WORDS = {
    NO_EVENTS: N_("We have no usage data for you yet."),
    NOT_COUNTED: N_("We have no usage data for you."),
    NO_USE: N_("You did not use the product in this period."),
    NO_USE_KNOWN: N_("We have no usage data for the whole period before it."),
    BEGAN: N_("You began after the period before it did, so there is nothing to compare with."),
    NO_TICKETS: N_("We have no support data for you yet."),
    NO_PLAN: N_("We have not agreed on goals yet. What do you want to reach next?"),
    NO_LIMITS: N_("Your plan sets no limits."),
    ALL_TRIED: N_("You have tried every feature that similar customers keep using."),
    TOO_FEW: N_("There are too few customers like you to compare with."),
}
"""What is not known, as it is said to a customer."""


def letter_of(found: Recap, *, company: str) -> Document:
    """The letter of a recap.

    Parameters
    ----------
    company : str
        Who writes.
    """
    name = found.name or found.account_id
    until = f"{day(found.first_day)} – {day(found.last_day)}"
    return Document(
        title=N_("%s: what you did with us") % name,
        said=[f"{found.period}: {until}." if not found.is_open
              else N_("%s so far: %s.") % (found.period, until)],
        parts=[
            _usage(found), _untried(found), _limits(found), _tickets(found), _goals(found),
        ],
        foot=[company],
    )


def _usage(found: Recap) -> Part:
    if found.active_days is None:
        return Part(N_("What you used"), [WORDS[found.unknown["usage"]]])
    if not found.active_days and not any(one.uses for one in found.rows):
        said = [WORDS[NO_USE]] if found.why else [WORDS[NO_USE], _growth(found)]
        return Part(N_("What you used"), said)
    days = several(found.active_days, N_("day"), N_("days"))
    if found.active_users is None:
        said = [N_("You used the product on %s.") % days]
    else:
        people = several(found.active_users, N_("person"), N_("people"))
        said = [N_("%s used the product on %s.") % (people, days)]
    said.append(_growth(found))
    rows = [
        [readable(one.feature) + (N_(" (new)") if one.is_new else ""), count(one.days),
         count(one.days_before), count(one.uses), count(one.uses_before)]
        for one in found.rows[:SHOWN]
    ]
    if len(found.rows) > SHOWN:
        said.append(N_("The first %s of %s features:") % (SHOWN, f"{len(found.rows):,}"))
    heads = [N_("Feature"), N_("Days"), N_("Days before"), N_("Uses"), N_("Uses before")]
    return Part(N_("What you used"), said, Grid(heads, rows) if rows else None)


def _growth(found: Recap) -> str:
    if found.active_days_before is None:
        return WORDS[found.unknown["before"]]
    days = several(found.active_days_before, N_("day"), N_("days"))
    span = (N_("as many days of the period before it") if found.is_open
            else N_("the period before it"))
    if found.active_users_before is None or found.active_users is None:
        return N_("In %s it was %s.") % (span, days)
    people = several(found.active_users_before, N_("person"), N_("people"))
    return N_("In %s it was %s on %s.") % (span, people, days)


def _untried(found: Recap) -> Part:
    title = N_("Not tried yet")
    if not found.untried:
        return Part(title, [WORDS[found.unknown["untried"]]])
    rows = [
        [readable(one.feature), share(one.used_share), share(one.kept_share)]
        for one in found.untried[:OFFERED]
    ]
    said = [N_("Features that %s keep using and you have not tried:") % BASES[found.similar]]
    return Part(title, said, Grid([N_("Feature"), N_("Use it"), N_("Still do a month on")], rows))


def _limits(found: Recap) -> Part:
    title = N_("Your limits this month")
    if not found.limits:
        return Part(title, [WORDS[found.unknown["limits"]]])
    rows = [
        [readable(one.feature), count(one.uses), count(one.allowance), share(one.utilisation)]
        for one in found.limits
    ]
    heads = [N_("Feature"), N_("Used"), N_("Allowance"), N_("Share")]
    return Part(title, (), Grid(heads, rows))


def _tickets(found: Recap) -> Part:
    if found.tickets_solved is None or found.tickets_open is None:
        return Part(N_("Support"), [WORDS[NO_TICKETS]])
    solved = several(found.tickets_solved, N_("request was"), N_("requests were"))
    waiting = several(found.tickets_open, N_("is open"), N_("are open"))
    return Part(N_("Support"), [N_("%s solved; %s.") % (solved, waiting)])


def _goals(found: Recap) -> Part:
    title = N_("Goals reached")
    if not found.goals:
        why = found.unknown.get("goals")
        return Part(title, [
            WORDS[why] if why else N_("None of your goals was reached in this period.")
        ])
    rows = [[one.title, day(one.due_on), day(one.reached_on)] for one in found.goals]
    return Part(title, (), Grid([N_("Goal"), N_("Due"), N_("Reached")], rows))
