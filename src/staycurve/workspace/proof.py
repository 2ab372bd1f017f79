"""Proof of one project: arms of experiments are drawn and kept, and told to what asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from staycurve.errors import UnknownNameError, UsageError
from staycurve.experiments import EXPERIMENTS, Experiment
from staycurve.insights.effects.arm import Arm
from staycurve.insights.shared.halves import is_held_out
from staycurve.metrics.dimensions import MRR_BANDS
from staycurve.period import AsOf
from staycurve.state import arms as kept, members
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.state import State

BETWEEN = " · "
UNKNOWN = "?"
"""Of an account whose stratum is not known: those are a stratum of their own."""


class Proof:
    """Experiments whose arms are kept.

    Parameters
    ----------
    company : MeasuredCompany
        Whose accounts take part.
    state : State
        Where their arms are kept.
    moment, audience : callable
        (as of) → the facts of an instant; (name) → account_ids in an audience now.
    """

    def __init__(
        self, company: MeasuredCompany, state: State, *, moment: Any, audience: Any
    ) -> None:
        self._company = company
        self._state = state
        self._moment, self._audience = moment, audience

    def experiments(self) -> dict[str, Experiment]:
        """Every experiment that staycurve.toml declares, by name."""
        return {one.name: one for one in self._company.config[EXPERIMENTS]}

    def get(self, name: str) -> Experiment:
        """The experiment of a name.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        known = self.experiments()
        if name not in known:
            raise UnknownNameError("experiment", name, known,
                                   hint="All experiments: staycurve effects list")
        return known[name]

    def arms(self, experiment: str) -> Mapping[str, Arm]:
        """account_id → its arm, of everyone who was drawn."""
        if not self._state.database.is_there:
            return {}
        with self._state.database.reading() as session:
            return kept.drawn(session, experiment)

    def draw(self, name: str = "") -> list[dict[str, Any]]:
        """Draw arms for accounts that have come since, and count both; nobody changes arms.

        Accounts of a playbook are drawn when the playbook runs, by itself.

        Raises
        ------
        UsageError
            If the experiment's arms are drawn by a hash, or elsewhere: there is nothing to keep.
        """
        chosen = [self.get(name)] if name else [
            one for one in self.experiments().values() if one.is_kept and not one.playbook
        ]
        for one in chosen:
            if not one.is_kept:
                raise UsageError(
                    f"Arms of {one.name} need no drawing: "
                    + ("they come from elsewhere." if one.arms else "a hash tells each account's."),
                    hint=f"Who is in which: staycurve effects arms {one.name}",
                )
            if one.playbook:
                raise UsageError(
                    f"Arms of {one.name} are drawn when the playbook {one.playbook} runs.",
                    hint=f"staycurve playbooks run {one.playbook}",
                )
        seen = self._company.as_of()
        found = []
        for one in chosen:
            if seen.last_day < one.starts_on:
                found.append({"experiment": one.name, "treated": 0, "held_out": 0, "drawn": 0,
                              "why": f"it starts on {one.starts_on}"})
                continue
            entering = self._entering(one, seen)
            with self._state.database.writing() as session:
                members.alone(session)
                before = len(kept.drawn(session, one.name))
                every = kept.draw(
                    session, one.name, entering, salt=one.salt, holdout=one.holdout,
                    on=seen.last_day, now=self._company.clock(),
                )
            held = sum(arm.is_held_out for arm in every.values())
            found.append({"experiment": one.name, "treated": len(every) - held, "held_out": held,
                          "drawn": len(every) - before, "why": None})
        return found

    def listed(self, name: str) -> dict[str, Any]:
        """Everyone who takes part so far, with their arm: what a mailer or a flag needs."""
        asked = self.get(name)
        if asked.arms is not None:
            raise UsageError(f"Arms of {name} were drawn elsewhere, by {asked.arms.by}.",
                             hint=f"staycurve effects show {name}")
        seen = self._company.as_of()
        if asked.is_kept:
            rows = [
                {"account_id": arm.account_id, "arm": _arm(arm.is_held_out),
                 "since": arm.entered_on.isoformat(), "stratum": arm.stratum or None}
                for arm in self.arms(name).values()
            ]
        else:
            rows = [
                {"account_id": account,
                 "arm": _arm(is_held_out(asked.salt, account, share=asked.holdout)),
                 "since": None, "stratum": None}
                for account, _stratum in self._entering(asked, seen)
            ]
        rows.sort(key=lambda row: str(row["account_id"]))
        return {"experiment": name, "as_of": seen.at.isoformat(), "rows": rows}

    def strata(self, asked: Experiment, moment: Any, accounts: Iterable[str]) -> dict[str, str]:
        """account_id → the stratum that it is drawn within."""
        facts = {
            "plan": lambda: moment.read("plan"),
            "mrr_band": lambda: {
                account: next(label for low, label in reversed(MRR_BANDS) if value >= low)
                for account, value in moment.read("mrr").items()
            },
        }
        known = [
            facts[one]() if one in facts else moment.read(f"account.{one}") for one in asked.strata
        ]
        return {
            account: BETWEEN.join(str(values.get(account, UNKNOWN)) for values in known)
            for account in accounts
        }

    def _entering(self, asked: Experiment, seen: AsOf) -> list[tuple[str, str]]:
        with self._moment(seen) as moment:
            if asked.audience:
                accounts = sorted(self._audience(asked.audience))
            else:
                status = moment.read("status")
                accounts = sorted(one for one in moment.accounts() if status.get(one) == "paying")
            return list(self.strata(asked, moment, accounts).items())

    def holdouts(self, seen: AsOf) -> dict[str, Experiment]:
        """playbook → the experiment that holds accounts out of it, of those that have begun."""
        return {
            one.playbook: one for one in self.experiments().values()
            if one.playbook and seen.last_day >= one.starts_on
        }


def _arm(is_held: bool) -> str:
    return "holdout" if is_held else "treated"

