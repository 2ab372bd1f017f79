"""[growth]: from where a limit is near, which plan comes next, and what a plan adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, shown

_Names = tuple[Annotated[str, Takes(N_("a list of features"))], ...]


@dataclass(frozen=True)
class Growth:
    """[growth]: how up-sell is looked for.

    Attributes
    ----------
    near : float
        Share of an allowance, or of the seats that were bought, from which an account is near it.
        `features limits` calls 0.8 near: a lower share names more accounts, earlier.
    next_plans : mapping
        Plan → the plan that follows it. Without it that is the one to which most accounts moved.
    features : mapping
        Plan → features that it has and the plan before it has not. Without it they are those that
        accounts on it use significantly more often.
    """

    __pydantic_config__ = CLOSED

    near: Annotated[
        float, Takes(N_("a number from 0.1 to 1"), "near = 0.8", least=0.1, most=1)
    ] = 0.8
    next_plans: Annotated[
        Mapping[str, str],
        Takes(N_("names of plans, each with the plan after it"),
              'next_plans = {Starter = "Team"}'),
    ] = field(default_factory=dict)
    features: Annotated[
        Mapping[str, _Names],
        Takes(N_("names of plans, each with a list of features"),
              'features = {Business = ["sso_login"]}'),
    ] = field(default_factory=dict)


def _checked(stated: Growth) -> Growth:
    for plan, following in stated.next_plans.items():
        if plan == following:
            raise Wrong(
                f"says that {shown(plan)} follows itself.", "Name another plan, or leave it out.",
                "next_plans",
            )
    return stated


GROWTH = Section(
    "growth", Growth, Growth(),
    N_("When a limit is near, which plan comes next, and which features it adds."),
    "[growth.next_plans]\nStarter = \"Team\"", make=_checked,
)
