"""What a funnel is asked for: its steps, window, order and exclusions."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from staycurve.config import Config
from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.insights.usage.usage_question import Doing, UseQuestion, doing

ORDERS = {
    "any": N_("other things may come between the steps"),
    "strict": N_("nothing else may come between the steps"),
    "unordered": N_("the steps may come in any order"),
}
UNORDERED = "unordered"
ENTRIES = {
    "deepest": N_("every start counts; the chain that gets furthest is taken"),
    "first": N_("only the first start in the range counts"),
}
MOST_STEPS = 20

_EXCLUSION = re.compile(r"(.+?)(?:@(\d+)-(\d+))?")


@dataclass(frozen=True)
class Exclusion:
    """What must not be done after one step and until another; steps are counted from 1."""

    doing: Doing
    after: int
    until: int


def exclusion(text: str, steps: int, config: Config) -> Exclusion:
    """What 'refund_asked', or 'refund_asked@1-2', excludes: between all steps, or those two."""
    found = _EXCLUSION.fullmatch(text.strip())
    if not found:
        raise UsageError(
            f"'{text}' excludes nothing.", hint="Write: refund_asked or refund_asked@1-2"
        )
    after, until = int(found[2] or 1), int(found[3] or steps)
    if not 1 <= after < until <= steps:
        raise UsageError(
            f"'{text}' does not lie between two of {steps} steps.",
            hint=f"Write: {found[1]}@1-{steps}",
        )
    return Exclusion(doing(found[1], config), after, until)


@dataclass(frozen=True)
class FunnelQuestion:
    """The funnel that is asked for.

    Attributes
    ----------
    window : int
        Seconds from the first step within which the last must come.
    first, last : date
        Local days, both included, in which the first step lies.
    order, entry : str
        Keys of ORDERS and ENTRIES.
    """

    use: UseQuestion
    steps: tuple[Doing, ...]
    window: int
    first: dt.date
    last: dt.date
    order: str = "any"
    entry: str = "deepest"
    exclusions: tuple[Exclusion, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """What each step is called: in any order, how many of them are done."""
        count = len(self.steps)
        if self.order == UNORDERED:
            return tuple(f"{place} of {count}" for place in range(1, count + 1))
        return tuple(step.label for step in self.steps)

    @property
    def own(self) -> dict[str, str]:
        """Dimension → SQL, for what the first step's event tells."""
        return {dim: f"b.own{place}" for place, dim in enumerate(self.use.told)}


def check(asked: FunnelQuestion) -> None:
    """Raise for a funnel that cannot be asked."""
    if not 2 <= len(asked.steps) <= MOST_STEPS:
        raise UsageError(
            f"A funnel takes 2 to {MOST_STEPS} steps, not {len(asked.steps)}.",
            hint="Write: staycurve usage funnel signed_up project_created report_viewed",
        )
    for kind, given, known in (("order", asked.order, ORDERS), ("entry", asked.entry, ENTRIES)):
        if given not in known:
            raise UnknownNameError(kind, given, known)
    if asked.order == "strict" and asked.exclusions:
        raise UsageError(
            "In strict order nothing comes between the steps: there is nothing to exclude.",
            hint="Leave out --exclude, or take --order any.",
        )
    whole = (1, len(asked.steps))
    if asked.order == UNORDERED and any((o.after, o.until) != whole for o in asked.exclusions):
        raise UsageError(
            "In any order there is no first step nor second: what is excluded is so between all.",
            hint="Leave out @I-J, or take --order any.",
        )
    if asked.first > asked.last:
        raise NotAnsweredError(
            f"The range from {asked.first} to {asked.last} is empty.",
            hint="--from must not lie after --to (or after the as-of).",
        )
