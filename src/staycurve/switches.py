"""Every convention, whole: its values in words, what they touch, and what other tools take."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from staycurve.i18n import N_

_FRACTION = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}|/[0-9]{1,6})?")
_DAYS = re.compile(r"forever|[0-9]{1,5}d")
_MONTHS = re.compile(r"[0-9]{1,3}m")
_MOST = 100
"""Weeks or days in a month beyond which a value is a slip; amounts would not fit their integers."""


def _is_fraction(text: str) -> bool:
    if not _FRACTION.fullmatch(text) or set(text.partition("/")[2]) == {"0"}:
        return False
    return 0 < Fraction(text) <= _MOST


def _is_days(text: str) -> bool:
    return bool(_DAYS.fullmatch(text))


def _is_months(text: str) -> bool:
    return bool(_MONTHS.fullmatch(text))


@dataclass(frozen=True)
class Rule:
    """What another tool's page says: a switch's value, and where it says so."""

    value: str
    source: str


@dataclass(frozen=True)
class Switch:
    """One convention: everything that is said of it anywhere stands here.

    Attributes
    ----------
    default : str
        The value where neither the file nor its profile names one.
    about : str
        What it decides.
    more : str
        What its values mean at length, for the reference.
    values : mapping
        The named choices → what each says, in words that stand side by side.
    accepts : callable, optional
        Whether it takes a value that is not named, by its form.
    others : str
        What such a value says: `{value}` is the value, `{number}` what stands before its unit.
    touches : str
        SQL over a customer's spans `s`: whether any of its values can change the ledger;
        `{currency}` is the company's. Too many accounts cost time; one too few would be a wrong
        number. Without it the switch changes formulas alone.
    tools : mapping
        Profile → the value that the tool takes, and where its pages say so.
    """

    default: str
    about: str
    more: str
    values: Mapping[str, str]
    accepts: Callable[[str], bool] | None = None
    others: str = ""
    touches: str = ""
    tools: Mapping[str, Rule] = field(default_factory=dict)

    def check(self, value: str) -> bool:
        """Whether `value` is one that this switch takes."""
        return value in self.values or bool(self.accepts and self.accepts(value))

    def says(self, value: str, *, say: Callable[[str], str] = str) -> str:
        """What a value means, such as 'metered items do not count', in the language of `say`."""
        text = self.values.get(value) or self.others
        return say(text).format(value=value, number=value[:-1])


_DISCOUNTED = (
    "coalesce(s.discount_percent, 0) > 0 OR coalesce(s.discount_amount, 0) > 0 "
    "OR s.discount_once > 0"
)
_LASTING = (
    "s.ends_on IS NULL AND s.cancel_requested_at IS NULL AND coalesce(s.status, '') <> 'past_due'"
)

SWITCHES: dict[str, Switch] = {
    # In the order in which reconcile switches them.
    "weeks_per_month": Switch(
        default="52/12",
        about=N_("Weeks counted in a month."),
        more=N_("Any positive fraction is taken, such as `13/3`."),
        values={
            "52/12": N_("a month has {value} weeks"),
            "4": N_("a month has {value} weeks"),
            "4.33": N_("a month has {value} weeks"),
        },
        accepts=_is_fraction,
        others=N_("a month has {value} weeks"),
        touches="bool_or(s.interval = 'week')",
    ),
    "days_per_month": Switch(
        default="365/12",
        about=N_("Days counted in a month."),
        more=N_("Any positive fraction is taken, such as `1461/48`."),
        values={
            "365/12": N_("a month has {value} days"),
            "30": N_("a month has {value} days"),
        },
        accepts=_is_fraction,
        others=N_("a month has {value} days"),
        touches="bool_or(s.interval = 'day')",
        tools={
            "recurly": Rule(
                "30",
                N_("Recurly support 360027350412: a daily amount × 30."),
            ),
        },
    ),
    "discounts": Switch(
        default="recurring",
        about=N_("Which discounts lower MRR."),
        more=N_(
            "`recurring`: those that come off every bill. `all`: one-time discounts too. `none`: "
            "list prices. A percentage is taken off first, then an amount; never below 0."
        ),
        values={
            "recurring": N_("discounts off every bill lower MRR, one-time ones do not"),
            "all": N_("every discount lowers MRR"),
            "none": N_("no discount lowers MRR"),
        },
        touches=f"bool_or({_DISCOUNTED})",
        tools={
            "chartmogul": Rule(
                "all",
                N_(
                    "ChartMogul help 203299812 and 203299912: a discount that is given is "
                    "contraction, its expiry expansion."
                ),
            ),
            "stripe": Rule(
                "recurring",
                N_(
                    "Stripe support, coupons and MRR: coupons that last for ever are taken off, "
                    "those of a finite duration are not."
                ),
            ),
            "baremetrics": Rule(
                "all",
                N_("Baremetrics help: discounts are taken off, and 100% off a payer is churn."),
            ),
            "recurly": Rule(
                "all",
                N_(
                    "Paddle help, ProfitWell against Recurly: coupon discounts are taken off by "
                    "default; there it is a setting."
                ),
            ),
            "mrr-playbook": Rule(
                "none",
                N_(
                    "dbt-labs/mrr-playbook, models/customer_revenue_by_month.sql: the plan's "
                    "monthly amount, without discounts."
                ),
            ),
        },
    ),
    "usage": Switch(
        default="include",
        about=N_("Whether metered items count."),
        more=N_("`exclude` leaves out items of kind `metered`."),
        values={
            "include": N_("metered items count"),
            "exclude": N_("metered items do not count"),
        },
        touches="bool_or(coalesce(s.kind, 'metered') = 'metered')",
        tools={
            "stripe": Rule(
                "exclude",
                N_("Stripe billing docs: metered usage is left out (a preview adds it)."),
            ),
            "recurly": Rule(
                "exclude",
                N_("Recurly docs, Monthly Recurring Revenue: usage-based amounts are left out."),
            ),
        },
    ),
    "free_plan": Switch(
        default="churn",
        about=N_("Whether a payer who moves to a free plan has churned."),
        more=N_(
            "`active`: an account that has paid, and is now on a free plan or at 100% off, stays a "
            "customer with an MRR of 0."
        ),
        values={
            "churn": N_("a payer on a free plan has churned"),
            "active": N_("a payer on a free plan stays a customer, with an MRR of 0"),
        },
        # An amount that is nothing, or so little that its monthly part is nothing in micro-units.
        touches=f"bool_or(s.amount < 100 * s.interval_count OR {_DISCOUNTED})",
        tools={
            "chartmogul": Rule(
                "active",
                N_(
                    "ChartMogul help 15384089786524: a free customer stays active; there it is a "
                    "setting."
                ),
            ),
            "baremetrics": Rule(
                "churn",
                N_("Baremetrics help 5380330: a move to a free plan is a cancellation."),
            ),
            "mrr-playbook": Rule(
                "churn",
                N_(
                    "dbt-labs/mrr-playbook, models/customer_revenue_by_month.sql: active means an "
                    "MRR above 0."
                ),
            ),
        },
    ),
    "past_due_grace": Switch(
        default="30d",
        about=N_("How long a past-due item counts."),
        more=N_(
            "Any number of days is taken, such as `14d`. The clock starts at the first failed "
            "payment in the run, else at its start. Then it is involuntary churn."
        ),
        values={
            "30d": N_("past due counts for {number} days"),
            "0d": N_("past due does not count"),
            "forever": N_("past due counts until it is unpaid or canceled"),
        },
        accepts=_is_days,
        others=N_("past due counts for {number} days"),
        touches="bool_or(s.status = 'past_due')",
        tools={
            "chartmogul": Rule(
                "forever",
                N_(
                    "ChartMogul help: past due counts until it is canceled; 1 to 90 days by "
                    "setting."
                ),
            ),
            "stripe": Rule(
                "forever",
                N_(
                    "Stripe billing docs: past due counts until the subscription is unpaid or "
                    "canceled."
                ),
            ),
            "baremetrics": Rule(
                "30d",
                N_("Baremetrics help: churned after 30 days; there it is a setting."),
            ),
            "recurly": Rule(
                "forever",
                N_("Recurly support 360027455352: failed charges stay in MRR by default."),
            ),
        },
    ),
    "paused": Switch(
        default="churn",
        about=N_("Whether a paused item counts."),
        more=N_("`keep`: a paused item counts as if it were active."),
        values={
            "churn": N_("a paused item counts 0"),
            "keep": N_("a paused item counts in full"),
        },
        touches="bool_or(s.status = 'paused')",
    ),
    "churn_booked": Switch(
        default="period_end",
        about=N_("When a cancellation is booked."),
        more=N_("`request`: on the day the customer asked, instead of the day access ends."),
        values={
            "period_end": N_("a cancellation counts when access ends"),
            "request": N_("a cancellation counts when it is asked for"),
        },
        touches="bool_or(s.cancel_requested_at IS NOT NULL)",
    ),
    "fx": Switch(
        default="daily",
        about=N_("Which exchange rate values an item."),
        more=N_("`fixed`: the first known rate for all days, so there is no FX impact."),
        values={
            "daily": N_("items are valued at each day's exchange rate"),
            "fixed": N_("items are valued at the first known exchange rate"),
        },
        touches="bool_or(s.currency <> {currency})",
    ),
    "netting": Switch(
        default="day",
        about=N_("Which changes of an account net out."),
        more=N_(
            "`day`: changes of one account in one local day. `60min`: changes at most 60 minutes "
            "apart, within a day. `event`: only what happens at the same instant. `month`: a "
            "calendar month; then movements are not known by day or week."
        ),
        values={
            "day": N_("changes of one day net"),
            "60min": N_("changes within 60 minutes net"),
            "event": N_("only changes of one instant net"),
            "month": N_("changes of one month net"),
        },
        touches=f"COUNT(*) > 1 OR NOT bool_and({_LASTING})",
        tools={
            "chartmogul": Rule(
                "60min",
                N_("ChartMogul help: activities within 60 minutes are shown as one."),
            ),
            "baremetrics": Rule(
                "day",
                N_("Baremetrics help: what happens on one day nets at its end."),
            ),
            "recurly": Rule(
                "month",
                N_("Recurly support: each month's end is compared with the one before."),
            ),
            "mrr-playbook": Rule(
                "month",
                N_(
                    "dbt-labs/mrr-playbook, models/mrr.sql: each month is compared with the one "
                    "before."
                ),
            ),
        },
    ),
    "reactivation_window": Switch(
        default="forever",
        about=N_("How many days after it stopped paying an account that returns is not new."),
        more=N_(
            "Any number of days is taken, such as `30d`. With `90d`, an account that returns 90 "
            "days or more after it stopped is new again."
        ),
        values={
            "forever": N_("who paid before and returns is a reactivation"),
            "90d": N_("who returns after {number} days is new again"),
        },
        accepts=_is_days,
        others=N_("who returns after {number} days is new again"),
        touches="COUNT(*) > 1",
        tools={
            "chartmogul": Rule(
                "forever",
                N_(
                    "ChartMogul help 201244842: who paid before and returns is a reactivation, at "
                    "any gap."
                ),
            ),
            "mrr-playbook": Rule(
                "forever",
                N_(
                    "dbt-labs/mrr-playbook, models/mrr.sql: new is the first month alone; any "
                    "later return is a reactivation."
                ),
            ),
        },
    ),
    "churn_denominator": Switch(
        default="start",
        about=N_("What customer churn is divided by."),
        more=N_(
            "`start`: accounts that pay when the period opens. `start_plus_new`: and those won "
            "since. `rolling_30d`: accounts that paid 30 days before the close."
        ),
        values={
            "start": N_("churn is divided by who paid at the opening"),
            "start_plus_new": N_("churn is divided by who paid at the opening or came since"),
            "rolling_30d": N_("churn is divided by who paid 30 days before the close"),
        },
        tools={
            "chartmogul": Rule(
                "start",
                N_("ChartMogul help 207340419: customers at the start of the period."),
            ),
            "stripe": Rule(
                "rolling_30d",
                N_(
                    "Stripe billing docs: active 30 days ago, plus new since. The second part is "
                    "not imitated."
                ),
            ),
            "baremetrics": Rule(
                "rolling_30d",
                N_(
                    "Baremetrics help: active 30 days ago; for yearly plans it takes 365 days, "
                    "which is not imitated."
                ),
            ),
        },
    ),
    "revenue_rates": Switch(
        default="accounts",
        about=N_("Whether NRR and GRR look at accounts or at summed movements."),
        more=N_(
            "`accounts`: the accounts of the opening, compared with themselves at the close. "
            "`movements`: the period's summed movements ÷ opening MRR."
        ),
        values={
            "accounts": N_("NRR and GRR compare the opening's accounts with themselves"),
            "movements": N_("NRR and GRR divide the period's summed movements"),
        },
        tools={
            "chartmogul": Rule(
                "movements",
                N_(
                    "ChartMogul help 6886664393500 and 203359411: both rates come from the "
                    "period's summed movements."
                ),
            ),
            "baremetrics": Rule(
                "movements",
                N_(
                    "Baremetrics help: net retention is 1 − (churned − expansion) ÷ MRR, from "
                    "summed movements."
                ),
            ),
        },
    ),
    "fcr": Switch(
        default="agent_replies",
        about=N_("Which tickets count as solved at first contact."),
        more=N_(
            "`agent_replies`: solved with one agent contact. `customer_replies`: the customer "
            "wrote no message after the first, however many the agent sent; what a bot solved is "
            "no contact. `include_bots`: one agent contact, or none where a bot solved it. Under "
            "each, a ticket that is reopened within seven days does not count, and one that does "
            "not say what is needed is left out of both sides of the rate."
        ),
        values={
            "agent_replies": N_("first contact is one contact of an agent"),
            "customer_replies": N_("first contact is one message of the customer"),
            "include_bots": N_("first contact is one contact of an agent, or a bot's solution"),
        },
    ),
    "cac_lag": Switch(
        default="0m",
        about=N_("How many months acquisition cost runs ahead of new accounts."),
        more=N_("Any number of months is taken, such as `2m`: the cost of two months earlier."),
        values={
            "0m": N_("acquisition cost of {number} months earlier"),
        },
        accepts=_is_months,
        others=N_("acquisition cost of {number} months earlier"),
    ),
}
