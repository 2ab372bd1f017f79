"""Recording: what became of a playbook's alerts, and who looks after which accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from staycurve.actions.facts.base import Moment
from staycurve.actions.playbooks import finding, retiring
from staycurve.state import work_reading
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.owning import ownership_of
from staycurve.workspace.playing import read_playbooks
from staycurve.workspace.state import State
from staycurve.workspace.work_rows import read


class Recording:
    """Records of playbooks, and ownership; a part of Work."""

    _company: MeasuredCompany
    _state: State

    def record(self, playbook: str) -> dict[str, Any]:
        """What became of a playbook's alerts: opened, resolved by reason, time to act."""
        read_playbooks(self._company).get(playbook)
        with read(self._state) as session:
            rows = work_reading.of_playbook(session, playbook) if session else []
        reasons: dict[str, int] = {}
        for row in rows:
            if row.status == "resolved":
                reasons[row.reason] = reasons.get(row.reason, 0) + 1
        times = sorted(
            max(0.0, (row.acted_at - row.opened_at).total_seconds() / 86_400)
            for row in rows if row.acted_at is not None
        )
        opened = [row for row in rows if row.status != "waiting"]
        return {
            "playbook": playbook, "opened": len(opened),
            "open": sum(row.status == "open" for row in rows),
            "waiting": sum(row.status == "waiting" for row in rows),
            "snoozed": sum(row.status == "snoozed" for row in rows),
            "resolved": sum(row.status == "resolved" for row in rows),
            "reasons": [
                {"reason": one, "alerts": n}
                for one, n in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
            ],
            "acted": len(times),
            "median_days_to_act": _median(times),
            "escalated": sum(row.escalated_at is not None for row in rows),
            "mrr": sum(row.mrr for row in opened),
            "retire": retiring.proposals(rows, on=self._company.as_of().last_day),
        }

    def owners(self) -> list[dict[str, Any]]:
        """Who looks after how many accounts, with which MRR, and why they do."""
        seen = self._company.as_of()
        with self._company.seeing(seen) as engine:
            moment = Moment(self._company, seen, engine)
            about = finding.about_of(
                moment, moment.accounts(), ownership_of(self._company, self._state)
            )
            status = moment.read("status")
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for account, one in about.items():
            row = found.setdefault((one.owner.name, one.owner.why), {
                "owner": one.owner.name, "why": one.owner.why, "accounts": 0, "paying": 0,
                "mrr": 0.0,
            })
            row["accounts"] += 1
            row["paying"] += status.get(account) == "paying"
            row["mrr"] += one.mrr
        return sorted(found.values(), key=lambda row: (-row["mrr"], row["owner"], row["why"]))


def _median(values: Sequence[float]) -> float | None:
    if not values:
        return None
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
