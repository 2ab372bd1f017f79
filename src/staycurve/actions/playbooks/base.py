"""Playbook: a rule that opens alerts on entry, the tasks that follow, and how an alert may end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycurve.actions.rules.conditions import Rule
from staycurve.i18n import N_
from staycurve.registry import Registry

TYPES = {
    "risk": N_("Risk"), "lifecycle": N_("Lifecycle"), "growth": N_("Growth"),
    "goal": N_("Goal"), "activity": N_("Activity"),
}
OUTCOMES = {
    "churned": N_("churned"), "expanded": N_("its MRR grew"), "paying": N_("paid again"),
}
"""What a dry run looks for after an alert: what would have come of it with nobody acting."""

SHARE = 0.4
"""A rule that holds for more than two fifths of all accounts names no exceptions: it is refused
until somebody confirms it."""
FEW = 5
"""Of fewer accounts a share says nothing."""


@dataclass(frozen=True)
class Step:
    """One task of a playbook.

    Attributes
    ----------
    due_in_days : int
        Days from the day on which the alert opened.
    template : str
        The message to begin with; empty without one.
    """

    title: str
    due_in_days: int
    template: str = ""


@dataclass(frozen=True)
class Template:
    """A message with fields in braces, such as {name}."""

    name: str
    subject: str
    text: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Playbook:
    """One playbook, read and checked.

    Attributes
    ----------
    name : str
        Its file's.
    file : str
        As errors name it.
    type : str
        One of TYPES: an account has one open alert of a type.
    evidence : tuple of str
        Facts that an alert keeps beside those of the rule.
    chance : float
        How likely what is at stake is lost (or won) without action: an assumption, 0 to 1.
    can_do : float
        How much of it action can change: an assumption, 0 to 1.
    act_within_days : int
        Service level: by when somebody is to have acted.
    escalate_to : str
        Who takes over when that has passed; empty for nobody.
    again_after_days : int
        Days after an alert of it was resolved in which no new one opens for the account.
    closes : bool
        Whether an alert ends by itself once the account leaves the rule.
    outcome : str
        One of OUTCOMES, or empty.
    ticket : str
        The help desk of [tickets] that gets a ticket of each alert; empty for none.
    digest : str
        Changes with the rule: history under another rule is another history.
    """

    name: str
    file: str
    title: str
    about: str
    type: str
    rule: Rule
    evidence: tuple[str, ...] = ()
    chance: float = 0.2
    can_do: float = 0.5
    reasons: tuple[str, ...] = ()
    act_within_days: int = 5
    escalate_to: str = ""
    again_after_days: int = 30
    closes: bool = False
    outcome: str = ""
    outcome_days: int = 90
    steps: tuple[Step, ...] = ()
    templates: tuple[Template, ...] = ()
    channels: tuple[str, ...] = ()
    ticket: str = ""
    is_on: bool = True
    is_confirmed: bool = False
    is_shipped: bool = False
    digest: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "playbook": self.name, "title": self.title, "about": self.about, "type": self.type,
            "rule": self.rule.words(), "facts": list(self.rule.facts), "is_on": self.is_on,
            "is_confirmed": self.is_confirmed, "is_shipped": self.is_shipped, "file": self.file,
            "reasons": list(self.reasons), "act_within_days": self.act_within_days,
            "again_after_days": self.again_after_days, "closes": self.closes,
            "outcome": self.outcome or None, "outcome_days": self.outcome_days,
            "chance": self.chance, "can_do": self.can_do, "ticket": self.ticket or None,
            "tasks": [
                {"title": one.title, "due_in_days": one.due_in_days,
                 "template": one.template or None} for one in self.steps
            ],
        }


@dataclass(frozen=True, eq=False)
class Shelf:
    """A folder of playbooks that a package ships, and those that it makes.

    Attributes
    ----------
    folder : Path
        Of TOML files, one a playbook.
    """

    folder: Path
    also: Callable[[], tuple[Path, ...]] | None = None

    def files(self) -> list[Path]:
        """Every file, by name."""
        own = [*self.folder.glob("*.toml"), *(self.also() if self.also else ())]
        return sorted(own, key=lambda one: one.stem)


PLAYBOOKS: Registry[Shelf] = Registry(
    "shelf of playbooks", Shelf, ("staycurve.actions.playbooks.ready",),
    group="staycurve.playbooks",
)
"""Where ready playbooks lie; other packages add their folders."""
