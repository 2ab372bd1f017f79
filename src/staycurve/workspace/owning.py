"""Owning: who looks after which accounts, without those who have left."""

from __future__ import annotations

from staycurve.actions.facts.base import Moment
from staycurve.actions.ownership import owners, without
from staycurve.actions.playbooks.handing import Leaving, of_leavers
from staycurve.actions.settings import OWNERSHIP, Ownership
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.state import State
from staycurve.workspace.work_rows import read


def ownership_of(company: MeasuredCompany, state: State) -> Ownership:
    """What [ownership] says, where those have left, too, who may log in no more."""
    out = [
        name for one in state.people.listed() if one.disabled_at is not None
        for name in dict.fromkeys((one.email, one.email.lower()))
    ]
    return without(company.config[OWNERSHIP], out)


def leaving_of(company: MeasuredCompany, state: State, moment: Moment) -> Leaving:
    """Owners who have left with work that is open, and who has their accounts now."""
    stated = ownership_of(company, state)
    with read(state) as session:
        accounts = of_leavers(session, stated) if session else ()
    return Leaving(stated, owners(moment, stated, accounts) if accounts else {})
