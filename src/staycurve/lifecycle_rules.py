"""Which lifecycle stage an account is in: the section [lifecycle] of staycurve.toml.

A rule names a stage and the facts that must hold at a day's close. Rules are read from the first
to the last, and the first that holds names the stage; the last one asks for nothing. So every
account is in exactly one stage on every day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, near, shown

STAGES = (
    "awareness", "consideration", "purchase", "activation", "adoption", "retention", "expansion",
    "lapsed",
)
"""In the order of a customer's way; `lapsed` is off it."""

LABELS: Mapping[str, str] = {
    "awareness": N_("Awareness"),
    "consideration": N_("Consideration"),
    "purchase": N_("Purchase"),
    "activation": N_("Activation"),
    "adoption": N_("Adoption"),
    "retention": N_("Retention"),
    "expansion": N_("Expansion"),
    "lapsed": N_("Lapsed"),
}

FACTS: Mapping[str, str] = {
    "paying": N_("pays"),
    "tenured": N_("has paid without a break for {tenure_days} days"),
    "expanded": N_("its expansion outweighs its contraction of the last {expansion_days} days"),
    "activated": N_("has reached first value, or has made the product a habit"),
    "active": N_("was active in the last {trailing_days} days"),
    "adopted": N_(
        "was active on {adoption_days} or more of the last {trailing_days} days, and on "
        "{adoption_keep_days} or more ever since"
    ),
    "untracked": N_("its use is not known, for no whole window of events is loaded yet"),
    "trialing": N_("is in a trial, or its trial ended less than {trial_days} days ago"),
    "interested": N_(
        "was qualified, asked for a demo, began a trial or agreed to buy in the last "
        "{interest_days} days, and was not given up since"
    ),
    "recent": N_(
        "became known as a lead or an account in the last {interest_days} days, and was not given "
        "up since"
    ),
    "paid_before": N_("has paid before, or pays"),
}
"""What rules may ask for, in words that follow 'the account …'; `not` before one turns it round."""


@dataclass(frozen=True)
class Threshold:
    """One number of the rules: its default, its bounds, what it means, and why it is that large."""

    default: int
    least: int
    most: int
    about: str
    why: str


THRESHOLDS: Mapping[str, Threshold] = {
    "trailing_days": Threshold(
        28, 7, 28,
        N_("Days that use is looked at, the day itself among them; four weeks at most."),
        N_("Four whole weeks, so that each weekday weighs the same; the window of mau by day."),
    ),
    "adoption_days": Threshold(
        4, 1, 28,
        N_("Active days in that window that make use a habit."),
        N_("One day a week. A product that is opened daily wants more, a yearly one less."),
    ),
    "adoption_keep_days": Threshold(
        2, 1, 28,
        N_("Active days in that window below which the habit is lost."),
        N_(
            "Half of what forms it: with one number for both, a quiet week moves an account to "
            "and fro."
        ),
    ),
    "tenure_days": Threshold(
        90, 1, 3660,
        N_("Days of paying without a break after which an account is retained."),
        N_("Three monthly bills: whoever leaves in the first weeks was never retained."),
    ),
    "expansion_days": Threshold(
        90, 1, 3660,
        N_("Days for which growing MRR counts as expansion."),
        N_("A quarter: the rhythm in which accounts are reviewed."),
    ),
    "trial_days": Threshold(
        30, 0, 3660,
        N_("Days after its trial's end in which an account still decides."),
        N_("What trial_conversion_rate waits for."),
    ),
    "interest_days": Threshold(
        90, 1, 3660,
        N_("Days for which a sign of interest counts."),
        N_("A quarter. A longer sales cycle wants more."),
    ),
    "stuck_percent": Threshold(
        80, 50, 99,
        N_("An account is stuck that is in its stage longer than this share of those who left it."),
        N_("Four of five have moved on by then. A lower value lists more accounts."),
    ),
}
"""Every default is a choice of ours, not a law: it stands here with its reason."""


_FACTS = N_("a list of facts")
_WHEN = 'when = ["paying", "adopted"]'


def _fact(text: str) -> str:
    plain = " ".join(text.split())
    fact = plain.removeprefix("not ")
    if fact not in FACTS:
        raise Wrong(
            f"names an unknown fact {shown(fact)}.{near(fact, FACTS)}",
            f"Known here: {', '.join(FACTS)}",
        )
    return plain


@dataclass(frozen=True)
class Rule:
    """One rule: the stage of an account of which all facts in `when` hold.

    Attributes
    ----------
    when : tuple of str
        Names in FACTS, some with 'not ' before them; empty for 'whatever else'.
    """

    __pydantic_config__ = CLOSED

    stage: Annotated[str, Takes(N_("a stage"), 'stage = "adoption"', choices=STAGES)]
    when: Annotated[
        tuple[Annotated[str, Takes(_FACTS, _WHEN, check=_fact)], ...], Takes(_FACTS, _WHEN)
    ] = ()

    @property
    def tests(self) -> list[tuple[str, bool]]:
        """(fact, whether it must hold)."""
        return [(text.removeprefix("not "), not text.startswith("not ")) for text in self.when]


DEFAULT_RULES = (
    Rule("expansion", ("paying", "expanded")),
    Rule("retention", ("paying", "tenured", "adopted")),
    Rule("retention", ("paying", "tenured", "untracked")),
    Rule("adoption", ("paying", "adopted")),
    Rule("activation", ("paying", "activated")),
    Rule("purchase", ("paying",)),
    Rule("consideration", ("trialing",)),
    Rule("consideration", ("interested",)),
    Rule("consideration", ("active", "not paid_before")),
    Rule("lapsed", ("paid_before",)),
    Rule("awareness", ("recent",)),
    Rule("lapsed"),
)


def _whole(key: str) -> Takes:
    known = THRESHOLDS[key]
    return Takes(
        f"a whole number from {known.least} to {known.most}", f"{key} = {known.default}",
        least=known.least, most=known.most,
    )


_RULE = '[[lifecycle.rules]]\nstage = "adoption"\nwhen = ["paying", "adopted"]'


@dataclass(frozen=True)
class LifecycleRules:
    """[lifecycle]: the rules in their order, and the numbers in them; see THRESHOLDS."""

    __pydantic_config__ = CLOSED

    trailing_days: Annotated[int, _whole("trailing_days")] = THRESHOLDS["trailing_days"].default
    adoption_days: Annotated[int, _whole("adoption_days")] = THRESHOLDS["adoption_days"].default
    adoption_keep_days: Annotated[int, _whole("adoption_keep_days")] = (
        THRESHOLDS["adoption_keep_days"].default
    )
    tenure_days: Annotated[int, _whole("tenure_days")] = THRESHOLDS["tenure_days"].default
    expansion_days: Annotated[int, _whole("expansion_days")] = THRESHOLDS["expansion_days"].default
    trial_days: Annotated[int, _whole("trial_days")] = THRESHOLDS["trial_days"].default
    interest_days: Annotated[int, _whole("interest_days")] = THRESHOLDS["interest_days"].default
    stuck_percent: Annotated[int, _whole("stuck_percent")] = THRESHOLDS["stuck_percent"].default
    rules: Annotated[
        tuple[Rule, ...], Takes(N_("a list of tables, each a stage and facts"), _RULE)
    ] = DEFAULT_RULES

    def threshold(self, name: str) -> int:
        """The number in force for one key."""
        found: int = getattr(self, name)
        return found

    def words(self, fact: str, *, holds: bool = True) -> str:
        """A fact as people read it, with the numbers in force."""
        numbers = {name: self.threshold(name) for name in THRESHOLDS}
        text = FACTS[fact].format(**numbers)
        return text if holds else N_("not: {fact}").format(fact=text)

    def rule_words(self, place: int) -> str:
        """What rule number `place` asks for, as people read it."""
        rule = self.rules[place]
        if not rule.when:
            return N_("nothing of the above")
        return "; ".join(self.words(fact, holds=holds) for fact, holds in rule.tests)


def _sound(stated: LifecycleRules) -> LifecycleRules:
    """Rules that give every account one stage, and numbers that agree with each other."""
    rules = stated.rules
    for number, rule in enumerate(rules[:-1], start=1):
        if not rule.when:
            raise Wrong(
                f"has a rule {number} that always holds, so those after it never do.",
                "A rule without facts comes last.", "rules",
            )
    if not rules:
        raise Wrong("is an empty list: no account would have a stage.", f"Write: {_RULE}", "rules")
    if rules[-1].when:
        raise Wrong(
            "ends with a rule that asks for facts: some accounts have no stage.",
            'End with a rule without facts: stage = "lapsed"', "rules",
        )
    if stated.adoption_keep_days > stated.adoption_days:
        raise Wrong(
            f"= {stated.adoption_keep_days} is more than adoption_days = {stated.adoption_days}.",
            "A habit is kept with fewer days than form it, or as many.", "adoption_keep_days",
        )
    if stated.adoption_days > stated.trailing_days:
        raise Wrong(
            f"= {stated.adoption_days} is more than the {stated.trailing_days} days that are "
            "looked at.",
            "Lower adoption_days, or raise trailing_days.", "adoption_days",
        )
    return stated


LIFECYCLE = Section(
    "lifecycle",
    LifecycleRules,
    LifecycleRules(),
    N_("Which stage an account is in."),
    _RULE,
    make=_sound,
)
