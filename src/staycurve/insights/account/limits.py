"""How much of what its plan allows one account has used this month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.account import facts_sql
from staycurve.insights.account.asked import Whose
from staycurve.insights.answers import Row, col
from staycurve.metrics.base import Unit
from staycurve.tables.engine import AnyEngine


@dataclass(frozen=True, kw_only=True)
class LimitUse(Row):
    """One feature that the account's plan limits."""

    feature: Annotated[str, col(N_("Feature"))]
    plan: Annotated[str, col(N_("Plan"), about=N_("The plan whose allowance counts."))]
    uses: Annotated[int, col(N_("Used"), Unit.COUNT, N_("Uses in the month, to date."))]
    allowance: Annotated[int, col(N_("Allowance"), Unit.COUNT, N_("Uses a month."))]
    utilisation: Annotated[
        float, col(N_("Utilisation"), Unit.PERCENT, N_("Used / allowance"))
    ]


def limit_uses(
    engine: AnyEngine, of: Whose, plans: Sequence[str | None]
) -> tuple[LimitUse, ...]:
    """The features that its plans limit, the fullest first; see `features limits`.

    A plan's own allowance goes before that of every plan, and of several the largest counts.
    """
    allowed: dict[str, tuple[bool, int, str]] = {}
    for one in of.config.behaviour.limits:
        if plans and (not one.plan or one.plan in plans):
            own = (bool(one.plan), int(one.allowance), one.plan)
            allowed[one.feature] = max(own, allowed.get(one.feature, (False, 0, "")))
    if not allowed:
        return ()
    uses = dict(engine.rows(facts_sql.limit_uses(of, sorted(allowed))))
    found = [
        LimitUse(
            feature=feature, plan=plan, uses=uses.get(feature, 0), allowance=allowance,
            utilisation=uses.get(feature, 0) / allowance,
        )
        for feature, (_is_own, allowance, plan) in allowed.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.utilisation, one.feature)))
