"""The accounts behind a step of the checklist, each with when it did every step."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.errors import UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import (
    AccountField,
    AccountRow,
    Answer,
    AsOfField,
    Beside,
    Hidden,
    Kind,
    Said,
    Table,
    col,
)
from staycurve.insights.base import Param, insight
from staycurve.insights.onboarding.checklist import NO_STEPS
from staycurve.insights.onboarding.checklist_facts import accounts_statement
from staycurve.insights.shared.columns import AboutField, TotalField
from staycurve.insights.shared.known_use import knows_use, missing
from staycurve.insights.shared.params import AsOfText, Where
from staycurve.insights.shared.reader import Reader
from staycurve.insights.shared.told_use import use_on_day
from staycurve.metrics.base import Unit

STATES = {
    "members": N_("accounts whose window has passed"),
    "reached": N_("accounts that reached the step in order"),
    "any_order": N_("accounts that did the step, in any order"),
    "in_window": N_("accounts that did the step within the window"),
    "stopped": N_("accounts that did all steps before in order, and not this one"),
    "did": N_("accounts that did the step within the window, and signed up three months ago"),
    "did_paying": N_("accounts that did it, and paid three months after sign-up"),
    "did_active": N_("accounts that did it, and were active three months after sign-up"),
    "did_not": N_("accounts that did not do it in time, and signed up three months ago"),
    "did_not_paying": N_("accounts that did not do it in time, and paid three months after"),
    "did_not_active": N_("accounts that did not do it in time, and were active three months after"),
}


_SIDES = (("did", "did_not"), ("did_not", "did"))
BESIDE: Mapping[str, Sequence[str]] = {
    **{side: (other,) for side, other in _SIDES},
    **{
        f"{side}_{one}": (side, other, f"{other}_{one}")
        for side, other in _SIDES for one in ("paying", "active")
    },
    **dict.fromkeys(("reached", "any_order", "in_window"), ("members",)),
}
"""What a state is a share of, and what it is compared with."""


@dataclass(frozen=True)
class Progress(AccountRow):
    """How far one account got."""

    account_id: AccountField
    signup_on: Annotated[dt.date, col(N_("Signed up"), Kind.DAY)]
    steps_in_order: Annotated[int, col(N_("Steps in order"), Unit.COUNT)]
    steps: Annotated[
        Mapping[str, str | None],
        col(N_("Steps"), Kind.DAY, N_("Each step, and when it was done first.")),
    ]


@dataclass(frozen=True, kw_only=True)
class StepAccounts(Answer):
    """The accounts behind a step of the checklist."""

    as_of: AsOfField
    about: AboutField
    rows: Annotated[tuple[Progress, ...], Table(N_("Accounts"), is_list=True)]
    total: TotalField
    step: Annotated[str, Hidden()] = ""
    state: Annotated[str, Hidden()] = ""

    def title(self) -> Said:
        return Said(
            N_("%(step)s, %(state)s"),
            {"step": (self.step, Kind.TEXT), "state": Said(self.about)},
        )

    def beside(self) -> tuple[Beside, ...]:
        return tuple(
            Beside(
                Said(N_("%(step)s, %(state)s"),
                     {"step": (self.step, Kind.TEXT), "state": Said(STATES[one])}),
                {"state": one},
            )
            for one in BESIDE.get(self.state, ())
        )

    def stands_at(self) -> str:
        return "later" if self.state.startswith("did") else ""


@insight(
    "onboarding progress", aliases=("/onboarding/checklist/accounts",), page="/activation/steps",
    comes_from="/activation#checklist", needs="accounts",
)
def step_accounts(
    company: Reader, *,
    step: Annotated[
        str, Param(N_("A step of the checklist."), metavar="STEP", is_argument=True)
    ],
    state: Annotated[
        str,
        Param(N_("How they did; those that did or did_not are of the accounts that signed up three "
                 "months ago."), choices=tuple(STATES)),
    ] = "reached",
    where: Where = "", as_of: AsOfText = None,
) -> StepAccounts:
    """Which accounts are behind a step of the checklist, and which steps did each do?"""
    asked = use_on_day(company, (), where, as_of, relation="signups")
    names = asked.config.behaviour.activation.checklist
    if not names:
        raise UsageError(
            f"There are no steps: {NO_STEPS}.",
            hint='Write: [activation] checklist = ["signed_up", "project_created"]',
        )
    if step not in names:
        raise UnknownNameError("step", step, names)
    sql = accounts_statement(asked, names.index(step), state)
    with company.seeing(asked.as_of) as engine:
        answer = engine.rows(sql)
    is_known = knows_use(company)
    rows = tuple(
        Progress(
            account, signup, orderly,
            {name: _text(at) for name, at in zip(names, instants, strict=True)},
        )
        for account, signup, orderly, *instants in (answer if is_known else ())
    )
    return StepAccounts(
        as_of=asked.as_of.at.isoformat(), about=STATES[state], rows=rows,
        total={"accounts": len(rows)}, step=step, state=state,
        notes=() if is_known else (missing(company),), sql=sql,
    )


def _text(at: dt.datetime | None) -> str | None:
    return None if at is None else at.replace(tzinfo=dt.UTC).isoformat()
