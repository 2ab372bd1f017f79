"""One example company, from a seed to files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from staycurve.demo import tables
from staycurve.demo.causes import BASE_HAZARD, CAUSES
from staycurve.demo.funnel import leads_of, reach_of
from staycurve.demo.lifecycle import live
from staycurve.demo.market import accounts_of
from staycurve.demo.money import costs_of, rates_of
from staycurve.demo.notes import notes_json, notes_of
from staycurve.demo.people import people_of
from staycurve.demo.truth import Truth, bounds, causes_of
from staycurve.demo.usage import events_of
from staycurve.demo.voice import Voice
from staycurve.demo.writer import write

PROJECT_TOML: Final = """\
[company]
name = "Fernwick Software"
currency = "USD"
timezone = "America/New_York"
exclude = ["name~test "]

[end_reasons]
voluntary = [
    "too expensive",
    "missing features",
    "customer request",
    "switched to competitor",
    "not using it",
]
involuntary = ["payment failed"]

[activation]
events = ["project_created"]
checklist = ["signed_up", "project_created", "teammate_invited", "data_imported"]

[[limits]]
feature = "automation_run"
plan = "Starter"
allowance = 3

[[limits]]
feature = "automation_run"
plan = "Team"
allowance = 5

[[limits]]
feature = "automation_run"
plan = "Business"
allowance = 8
"""


def write_company(folder: Path, *, accounts: int = 4000, seed: int = 7) -> Truth:
    """Write the example company's tables, `notes.json` and `truth.json` into a folder.

    The history spans 2022-01-01 to 2026-01-01 in New York, whatever today is. The same
    arguments give the same rows.

    Parameters
    ----------
    folder : pathlib.Path
        Made if absent; files of the same names are overwritten.
    accounts : int
        Accounts that sign up, trials and free plans included; at least 50.
    seed : int
        Not negative.

    Returns
    -------
    Truth
        The planted causes, with their parameters and what came of them.

    Raises
    ------
    ValueError
        If `accounts` is below 50 or `seed` is negative.
    """
    folder.mkdir(parents=True, exist_ok=True)
    market = accounts_of(accounts, seed, CAUSES.automation_share)
    history = live(market, seed)
    people = people_of(market, history, seed)
    voice = Voice(people, seed)
    voice.listen(history, market)
    leads = leads_of(market, history, seed)
    rates = rates_of(seed)
    costs = costs_of(market, history, rates, seed)
    files = {
        "accounts": tables.accounts_table(market),
        "users": tables.users_table(people, market),
        "subscriptions": tables.subscriptions_table(history, market),
        "payments": tables.payments_table(history, market),
        "events": tables.events_table(events_of(market, history, people, seed), people, market),
        "leads": tables.leads_table(leads, market),
        "reach": tables.reach_table(reach_of(leads, seed)),
        "spend": tables.spend_table(costs),
        "tickets": tables.tickets_table(history, people, market, seed),
        "answers": tables.answers_table(voice, market),
        "invitations": tables.invitations_table(voice, market),
        "fx_rates": tables.fx_rates_table(rates),
    }
    rows = {table: write(folder, table, columns) for table, columns in files.items()}
    notes = notes_of(market, history, seed)
    (folder / "notes.json").write_text(notes_json(notes), encoding="utf-8")
    starts_at, ends_at = bounds()
    truth = Truth(
        seed=seed,
        accounts=accounts,
        starts_at=starts_at,
        ends_at=ends_at,
        base_hazard=BASE_HAZARD,
        causes=causes_of(market, history, voice, costs, notes),
        rows=rows,
    )
    (folder / "truth.json").write_text(truth.json(), encoding="utf-8")
    return truth
