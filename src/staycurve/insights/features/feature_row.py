"""One feature in the report, field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import Key, Kind, Opens, Row, col
from staycurve.insights.features.feature_rank import RANKS, RULE
from staycurve.insights.statistics.association import METHOD, Association
from staycurve.insights.statistics.proportions import Share
from staycurve.metrics.base import Unit


def _behind(part: str) -> Opens:
    return Opens("features accounts", {"feature": "feature", "period": "asked"}, {"part": part})


@dataclass(frozen=True, kw_only=True)
class Feature(Row):
    """One feature in the period."""

    feature: Annotated[
        str, col(N_("Feature"), about=N_("The event, or the property that [usage] feature names"))
    ]
    rank: Annotated[str, col(N_("Judgement"), Kind.NAME, RULE, named_by=RANKS)]
    rank_label: Annotated[str, Key(N_("The judgement in words."))]
    rank_why: Annotated[str | None, Key(N_("Why it is not ranked."), is_omitted=True)] = None
    reasons: Annotated[tuple[str, ...], Key(N_("Why it needs work."))]
    accounts: Annotated[
        int,
        col(N_("Accounts"), Unit.COUNT, N_("Active accounts that used it in the period"),
            opens=_behind("using")),
    ]
    adoption: Annotated[
        Share,
        col(N_("Adoption"), Unit.PERCENT, N_("Accounts using it / active accounts"),
            opens=_behind("using")),
    ]
    users: Annotated[
        int,
        col(N_("Users"), Unit.COUNT, N_("Known users who used it, counted once an account"),
            opens=Opens("features users", {"feature": "feature", "period": "asked"})),
    ]
    uses: Annotated[int, Key(N_("Uses in the period."))]
    depth: Annotated[
        float | None, col(N_("Depth"), Unit.RATIO, N_("Uses / accounts using it"))
    ]
    repeat: Annotated[
        Share,
        col(N_("Again within 28 days"), Unit.PERCENT,
            N_("Of the accounts that used it in the 28 days before the last 28, the share that "
               "used it again in the last 28"), opens=_behind("again")),
    ]
    paying: Annotated[
        Share,
        col(N_("Adoption, paying"), Unit.PERCENT,
            N_("Among active accounts with MRR above 0 at the period's close"),
            opens=_behind("using_paying")),
    ]
    trial: Annotated[
        Share,
        col(N_("Adoption, in trial"), Unit.PERCENT,
            N_("Among other active accounts whose trial touches the period"),
            opens=_behind("using_trial")),
    ]
    other: Annotated[Share, Key(N_("Among those that neither pay nor are in a trial."))]
    errors: Annotated[
        int | None, col(N_("Errors"), Unit.COUNT, N_("As the events say"), is_folded=True)
    ]
    error_rate: Annotated[
        float | None,
        col(N_("Error rate"), Unit.PERCENT, N_("Errors / uses of which errors are known")),
    ]
    seconds: Annotated[int | None, Key(N_("As the events say."))]
    seconds_per_use: Annotated[
        float | None,
        col(N_("Seconds a use"), Unit.RATIO, N_("Over uses whose time is known"), is_folded=True),
    ]
    change: Annotated[
        float | None,
        col(N_("Change"), Kind.POINTS, N_("Adoption against the period before"), why="change_why",
            is_folded=True),
    ]
    change_why: Annotated[str | None, Key(N_("Why it is empty."), is_omitted=True)] = None
    change_3m: Annotated[
        float | None,
        col(N_("Change in three months"), Kind.POINTS,
            N_("Adoption against three months before (12 weeks, for 28 days)")),
    ]
    retention: Annotated[
        Association | None,
        col(N_("Retention difference"), Kind.POINTS, METHOD, is_folded=True),
    ] = None
