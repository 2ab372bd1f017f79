"""Playing: the playbooks of one project read, tried on history, and run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from staycurve.actions import tickets as ticketing
from staycurve.actions.channels import telling
from staycurve.actions.facts.base import Moment, Together, Values
from staycurve.actions.holdouts import Holdout, strata_of
from staycurve.actions.playbooks import finding, history, opening, reading
from staycurve.actions.playbooks.base import Playbook
from staycurve.actions.playbooks.finding import Findings
from staycurve.actions.playbooks.opening import Tally
from staycurve.actions.settings import PLAYBOOK_SETTINGS
from staycurve.experiments import EXPERIMENTS
from staycurve.period import AsOf, local_day
from staycurve.state import members, milestones as planning, work_reading
from staycurve.workspace import segments
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.owning import leaving_of, ownership_of
from staycurve.workspace.state import State
from staycurve.workspace.ticketing import close_solved, desks_of, told_channels
from staycurve.workspace.work_rows import read as reading_of


@dataclass(frozen=True)
class Ran:
    """What a run did, or would do.

    Attributes
    ----------
    rows : tuple of mapping
        One a playbook.
    """

    as_of: str
    is_dry: bool
    rows: tuple[Mapping[str, Any], ...]
    refused: tuple[finding.Found, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"as_of": self.as_of, "is_dry_run": self.is_dry, "rows": list(self.rows)}


class Playing:
    """What playbooks find now, would have found, and open; a part of Work."""

    _company: MeasuredCompany
    _state: State

    def playbooks(self) -> reading.Read:
        """Every playbook, and what is wrong with files that cannot be read."""
        return read_playbooks(self._company)

    def facts(self) -> list[dict[str, str]]:
        """Every fact that a rule can name."""
        from staycurve.actions.facts.base import FACTS, FAMILIES

        found = [
            {"fact": name, "kind": one.kind, "label": one.label, "about": one.about}
            for name, one in FACTS.items()
        ]
        return found + [
            {"fact": f"{name}.NAME", "kind": "any", "label": one.label, "about": one.about}
            for name, one in FAMILIES.items()
        ]

    def check(self) -> Ran:
        """Whether every playbook can be followed, and for whom its rule holds now.

        Raises
        ------
        RuleError
            With file and line, for the first file that cannot.
        """
        read = self.playbooks()
        if read.faults:
            raise read.faults[0]
        seen = self._company.as_of()
        found = self._find(list(read.playbooks), seen)
        rows = tuple(
            {"playbook": one.playbook.name, "file": one.playbook.file,
             "is_on": one.playbook.is_on,
             "matched": None if one.members is None else len(one.members),
             "accounts": one.accounts, "share": one.share, "why": one.why or None,
             "refused": one.refused or None}
            for one in found.found
        )
        refused = tuple(one for one in found.found if one.refused and one.playbook.is_on)
        return Ran(seen.at.isoformat(), True, rows, refused)

    def run(
        self, *, as_of: str | None = None, only: str = "", confirm: Sequence[str] = (),
        is_lenient: bool = False,
    ) -> Ran:
        """Run the playbooks that are on: alerts open for accounts that have come into a rule.

        Parameters
        ----------
        as_of : str, optional
            The instant as of which facts are read; not before that of the last run.
        only : str
            The name of one playbook.
        confirm : sequence of str
            Playbooks that may alert more than 40% of all accounts.
        is_lenient : bool
            Whether a file that cannot be followed is passed over; it is an error otherwise.

        Raises
        ------
        RuleError
            With file and line, for a playbook that cannot be followed; nothing is run then.
        """
        read = self.playbooks()
        if read.faults and not is_lenient:
            raise read.faults[0]
        chosen = self._chosen(read, only, confirm)
        seen = self._company.as_of(as_of)
        desks = desks_of(self._company, chosen)
        close_solved(self._company, self._state, seen)
        findings = self._find(chosen, seen)
        now = self._company.clock()
        config = self._company.config
        working = config[PLAYBOOK_SETTINGS]
        by_name = {one.name: one for one in read.playbooks}
        holdouts = self._holdouts(findings, seen)
        # A run as of another day is one of that day.
        today = None if as_of else local_day(now, config.company.zone)
        with self._moment(seen) as moment:
            leaving = leaving_of(self._company, self._state, moment)
        with self._state.database.writing() as session:
            done = opening.open_alerts(
                session, findings, working=working, by_name=by_name, now=now, holdouts=holdouts,
                leaving=leaving, today=today,
            )
            ticketing.open_for(
                session, [*done.alerts, *done.merged], by_name, desks=desks, now=now,
                company=config.company.name,
            )
            telling.tell(
                session, done, by_name, channels=told_channels(self._company), on=findings.on,
                now=now, zone=config.company.zone, quiet=working.quiet,
                company=config.company.name,
            )
        rows = tuple(
            _row(one, done.tallies[one.playbook.name]) for one in findings.found
        )
        refused = tuple(one for one in findings.found if one.refused)
        return Ran(seen.at.isoformat(), False, rows, refused)

    def _holdouts(self, findings: Findings, seen: AsOf) -> dict[str, Holdout]:
        """playbook → the experiment that holds accounts out of it, of those that have begun."""
        members_of = {one.playbook.name: one.members or () for one in findings.found}
        found = {}
        for asked in self._company.config[EXPERIMENTS]:
            if asked.playbook not in members_of or seen.last_day < asked.starts_on:
                continue
            with self._moment(seen) as moment:
                strata = strata_of(asked, moment, members_of[asked.playbook])
            found[asked.playbook] = Holdout(asked, strata)
        return found

    def dry_run(
        self, *, as_of: str | None = None, only: str = "", months: int = history.MONTHS
    ) -> Ran:
        """What a run would open now, and what the playbooks would have opened before; nothing is
        kept.

        Playbooks that are off are looked at as well where one is named.
        """
        read = self.playbooks()
        if read.faults:
            raise read.faults[0]
        chosen = self._chosen(read, only, (), is_switched_on=not only)
        seen = self._company.as_of(as_of)
        with history.looking(self._company, chosen, seen, months=months) as looks:
            past = history.past_of(self._company, chosen, seen, looks, self._moment)
            # Inside a day less is seen than at the last look, which lies at the end of that day.
            findings = self._find(chosen, seen, looks if looks.at[-1] == seen else None)
        inside = self._inside(chosen)
        rows = []
        for one in findings.found:
            entering = [
                account for account in one.members or ()
                if account not in inside.get(one.playbook.name, ())
            ]
            rows.append({
                "playbook": one.playbook.name, "type": one.playbook.type,
                "matched": None if one.members is None else len(one.members),
                "share": one.share, "why": one.why or None, "refused": one.refused or None,
                "would_open": 0 if one.refused else len(entering),
                "accounts": [] if one.refused else [
                    {"account_id": account, "name": findings.about[account].name,
                     "owner": findings.about[account].owner.name,
                     "mrr": findings.about[account].mrr,
                     "facts": findings.facts.get((one.playbook.name, account), {})}
                    for account in entering
                ],
                "history": past[one.playbook.name].as_dict(one.playbook),
            })
        return Ran(seen.at.isoformat(), True, tuple(rows))

    def acted(self, playbook: str) -> dict[str, dt.date]:
        """account_id → the local day on which something was first done in one of its alerts.

        An alert that ended by itself, because its account left the rule, is none.
        """
        self.playbooks().get(playbook)
        with reading_of(self._state) as session:
            rows = work_reading.of_playbook(session, playbook) if session else []
        zone = self._company.config.company.zone
        found: dict[str, dt.date] = {}
        for row in rows:
            if row.acted_at is not None:
                day = local_day(row.acted_at, zone)
                found[row.account_id] = min(day, found.get(row.account_id, day))
        return found

    def _chosen(
        self, read: reading.Read, only: str, confirm: Sequence[str], *, is_switched_on: bool = True
    ) -> list[Playbook]:
        for name in (*([only] if only else []), *confirm):
            read.get(name)
        return [
            replace(one, is_confirmed=True) if one.name in confirm else one
            for one in read.playbooks
            if (not only or one.name == only) and (one.is_on or not is_switched_on)
        ]

    def _find(
        self, playbooks: list[Playbook], seen: AsOf, looks: history.Looks | None = None
    ) -> Findings:
        inside = self._inside(playbooks)
        usage, together = (looks.usage, looks.together) if looks else ("usage_days", None)
        with self._moment(seen, usage=usage, together=together) as moment:
            return finding.find(
                moment, playbooks, inside, stated=ownership_of(self._company, self._state)
            )

    def _inside(self, playbooks: Sequence[Playbook]) -> dict[str, frozenset[str]]:
        with reading_of(self._state) as session:
            if session is None:
                return {}
            return {
                one.name: frozenset(found.members)
                for one in playbooks
                if (found := members.followed(session, opening.list_name(one.name))) is not None
            }

    @contextmanager
    def _moment(
        self, seen: AsOf, *, usage: str = "usage_days", together: Together | None = None
    ) -> Iterator[Moment]:
        with self._company.seeing(seen) as engine:
            moment = Moment(self._company, seen, engine, self.outside(seen), usage,
                            together or Together())
            moment.outside = {
                **moment.outside, **segments.flags(self._company, self._state, moment)
            }
            yield moment

    def moment(self, seen: AsOf) -> Any:
        """The company as of an instant, of which facts are read."""
        return self._moment(seen)

    def outside(self, seen: AsOf) -> dict[str, Callable[[], Values]]:
        """What app state knows of accounts as of an instant."""
        # Data lags behind what people write: today's as-of sees all of that.
        is_latest = seen.at >= self._company.as_of().at
        at = max(seen.at, self._company.clock()) if is_latest else seen.at

        def overdue() -> Values:
            with reading_of(self._state) as session:
                found = planning.overdue(session, seen.last_day, at) if session else {}
            with self._company.seeing(seen) as engine:
                every = Moment(self._company, seen, engine).accounts()
            return {one: found.get(one, 0) for one in every}

        return {"overdue_milestones": overdue}


def read_playbooks(company: MeasuredCompany) -> reading.Read:
    """Every playbook of a company, and what is wrong with files that cannot be read."""
    return reading.read_all(company, off=company.config[PLAYBOOK_SETTINGS].off)


def _row(one: finding.Found, tally: Tally) -> dict[str, Any]:
    return {
        "playbook": one.playbook.name, "type": one.playbook.type,
        "matched": None if one.members is None else len(one.members), "accounts": one.accounts,
        "share": one.share, "entered": tally.entered, "left": tally.left,
        "opened": tally.opened, "merged": tally.merged, "waiting": tally.waiting,
        "suppressed": tally.suppressed, "held_out": tally.held_out, "closed": tally.closed,
        "why": one.why or None, "refused": one.refused or None,
    }
