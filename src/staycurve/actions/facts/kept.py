"""Facts of what people keep in app state: the workspace hands their values to the moment."""

from __future__ import annotations

from staycurve.actions.facts.base import Fact, Moment, Values
from staycurve.i18n import N_


def _nothing(moment: Moment) -> Values:
    # Without app state nobody has written a milestone.
    del moment
    return {}


overdue_milestones = Fact(
    N_("Overdue milestones"),
    N_("Milestones of its success plan whose day has passed and that are not done."), "number",
    _nothing, is_default_zero=True,
)
