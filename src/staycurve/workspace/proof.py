"""Proof of one project: arms of experiments are drawn and kept, and told to what asks for them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from staycurve import config as configuration
from staycurve.actions.facts.base import Moment
from staycurve.actions.holdouts import strata_of
from staycurve.errors import UnknownNameError, UsageError
from staycurve.experiments import EXPERIMENTS, Experiment
from staycurve.insights.effects.arm import Arm
from staycurve.insights.effects.show import needed
from staycurve.insights.shared.halves import is_held_out
from staycurve.period import AsOf
from staycurve.sections import FILE_NAME
from staycurve.state import arms as kept, members
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.state import State


class Proof:
    """Experiments whose arms are kept.

    Parameters
    ----------
    company : MeasuredCompany
        Whose accounts take part.
    state : State
        Where their arms are kept.
    moment, audience, check_playbook : callable
        (as of) → the facts of an instant; (name) → account_ids in an audience now; (name) raises
        for a playbook that there is none of.
    """

    def __init__(
        self, company: MeasuredCompany, state: State, *,
        moment: Callable[[AsOf], AbstractContextManager[Moment]],
        audience: Callable[[str], Mapping[str, str]], check_playbook: Callable[[str], object],
    ) -> None:
        self._company = company
        self._state = state
        self._moment, self._audience = moment, audience
        self._check_playbook = check_playbook

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

    def add(
        self, name: str, *, starts: str, base: str, effect: str, outcome: str, days: int,
        looks: int, holdout: str, of: str, strata: Sequence[str], spread: float,
    ) -> dict[str, Any]:
        """Write an experiment into staycurve.toml, and say how many accounts it takes.

        Raises
        ------
        ConfigError
            With the key, if it cannot be followed; nothing is written then.
        """
        stated: dict[str, Any] = {
            "name": name, "starts": starts, "outcome": outcome,
            "base": number_of(base, "base"), "effect": number_of(effect, "effect"),
            "holdout": number_of(holdout, "holdout"), "days": days, "looks": looks,
        }
        stated |= {"of": of} if of else {}
        stated |= {"strata": list(strata)} if strata else {}
        stated |= {"spread": float(spread)} if spread else {}
        # JSON's texts, numbers and lists of texts are TOML's as well.
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}"
                 for key, value in stated.items()]
        path = self._company.folder / FILE_NAME
        text = path.read_text(encoding="utf-8")
        whole = f"{text.rstrip()}\n\n[[experiments]]\n" + "\n".join(lines) + "\n"
        config = configuration.parse(whole)
        (asked,) = (one for one in config[EXPERIMENTS] if one.name == name)
        if asked.playbook:
            self._check_playbook(asked.playbook)
        if asked.audience:
            self._audience(asked.audience)
        beside = path.with_name(f"{path.name}.new")
        beside.write_text(whole, encoding="utf-8")
        os.replace(beside, path)
        return {**stated, "accounts_needed": needed(asked)}

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

    def _entering(self, asked: Experiment, seen: AsOf) -> list[tuple[str, str]]:
        with self._moment(seen) as moment:
            if asked.audience:
                accounts = sorted(self._audience(asked.audience))
            else:
                status = moment.read("status")
                accounts = sorted(one for one in moment.accounts() if status.get(one) == "paying")
            return list(strata_of(asked, moment, accounts).items())


def number_of(text: str, name: str) -> float:
    """A number from '10%', '0.1' or '41'.

    Raises
    ------
    UsageError
        If it is none.
    """
    plain = text.strip()
    try:
        value = float(plain.removesuffix("%"))
    except ValueError:
        raise UsageError(f"'{text}' is no number.", hint=f"Such as: --{name} 10%",
                         parameter=name) from None
    return value / 100 if plain.endswith("%") else value


def _arm(is_held: bool) -> str:
    return "holdout" if is_held else "treated"

