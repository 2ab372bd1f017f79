"""What an account changes while it pays: seats, plans, add-ons, a second product."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from staycurve.demo.causes import CAUSES
from staycurve.demo.clock import DAY, END
from staycurve.demo.ledger import History, Ledger
from staycurve.demo.market import Account
from staycurve.demo.prices import (
    ADDONS,
    LIST,
    SECOND_PRODUCT,
    Terms,
    local_price,
    unit_price,
    with_seats,
)
from staycurve.demo.run import Run

_UP = {"Starter": ("Team", 5), "Team": ("Business", 16)}
_DOWN = {"Business": ("Team", 12), "Team": ("Starter", 4)}


def change_something(account: Account, rng: Random, history: History, run: Run, begin: int) -> None:
    """At most one change in the month that starts at `begin`, two to twenty-five days into it."""
    at = begin + rng.randint(2, 25) * DAY
    if at >= END or run.terms.bill == 0:
        return
    if _grow(account, rng, history, run, at):
        return
    draw = rng.random()
    plan = run.terms.plan
    if draw < 0.014 and plan in _UP:
        _move(run, *_UP[plan], at)
    elif draw < 0.0165 and plan in _DOWN:
        _move(run, *_DOWN[plan], at)
    elif draw < 0.024 and plan != "Starter":
        _add(rng, run, at)
    elif draw < 0.027:
        for item in [i for i in run.ledger.running if i in ADDONS][:1]:
            run.ledger.end(item, at, "customer request")
    elif draw < 0.032 and plan in ("Business", "Enterprise") and run.second is None:
        _open_second(account, run, begin)
    elif draw < 0.035 and run.second is not None:
        run.second.end_all(at, "not using it")
    elif draw < 0.0365 and run.months == 1:
        run.ledger.request_end(at)
        run.ledger.withdraw_request(at + DAY)
    elif draw < 0.0425 and run.terms.interval == "month" and len(run.ledger.running) == 1:
        _commit_to_year(account, run)


def _grow(account: Account, rng: Random, history: History, run: Run, at: int) -> bool:
    """Add or drop seats; seat growth is frequent in one planted segment only."""
    c = CAUSES
    plan, seats = run.terms.plan, run.terms.quantity
    is_affected = account.industry == c.growth_industry and plan in c.growth_plans
    tally = history.growth["affected" if is_affected else "others"]
    tally[0] += 1
    draw = rng.random()
    if draw < (c.growth_monthly if is_affected else c.growth_monthly_others):
        step = c.growth_step if is_affected else c.growth_step_others
        # Growth slows once the account has a seat for nearly everyone.
        added = max(1, round(seats * step)) if seats < 0.9 * account.employees else 1
        tally[1] += added
        run.terms = with_seats(run.terms, seats + added)
    elif draw > 0.990 and seats > 3:
        run.terms = with_seats(run.terms, seats - max(1, round(seats * 0.12)))
    else:
        return False
    run.ledger.put("base", at, run.terms)
    return True


def _move(run: Run, plan: str, seats: int, at: int) -> None:
    """Another plan for the same interval, with the seats that it is sold with."""
    is_up = LIST[plan] > LIST[run.terms.plan]
    quantity = max(run.terms.quantity, seats) if is_up else min(run.terms.quantity, seats)
    unit = unit_price(plan, run.terms.interval, run.terms.currency, at=at)
    run.terms = replace(run.terms, plan=plan, quantity=quantity, unit=unit, off=None)
    run.has_old_price = plan == CAUSES.rise_plan and at < CAUSES.rise_at
    run.ledger.put("base", at, run.terms)


def _add(rng: Random, run: Run, at: int) -> None:
    item = rng.choice(list(ADDONS))
    if item in run.ledger.running:
        return
    product, cents = ADDONS[item]
    interval = "month" if run.terms.interval == "week" else run.terms.interval
    price = local_price(cents, interval, run.terms.currency)
    addon = Terms(run.terms.plan, product, "addon", interval, 1, price, None, run.terms.currency)
    run.ledger.put(item, at, addon)


def _open_second(account: Account, run: Run, at: int) -> None:
    """A second subscription, billed monthly, to the company's other product."""
    product, cents = SECOND_PRODUCT
    seats = max(3, run.terms.quantity // 4)
    unit = local_price(cents, "month", account.currency)
    terms = Terms(product, product, "base", "month", seats, unit, None, account.currency)
    run.second = Ledger(
        run.ledger.history, account.index, f"S{account.account_id[1:]}-I", has_card=True
    )
    run.second.put("base", at, terms)


def _commit_to_year(account: Account, run: Run) -> None:
    """From the next renewal on, a year at a time."""
    at = run.at(run.month + 1)
    unit = unit_price(run.terms.plan, "year", run.terms.currency, at=at)
    run.terms = replace(run.terms, interval="year", unit=unit, off=None, term_months=12)
    run.has_old_price = False
    run.term_month = run.month + 1
    run.ledger.put("base", at, run.terms)
    if at < END:
        run.ledger.running["base"].renews_at = run.at(run.month + 13)
