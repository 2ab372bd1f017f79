"""Which lifecycle stage an account is in: the section [lifecycle] of staycurve.toml.

A rule names a stage and the facts that must hold at a day's close. Rules are read from the first
to the last, and the first that holds names the stage; the last one asks for nothing. So every
account is in exactly one stage on every day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staycurve.errors import ConfigError, UnknownNameError
from staycurve.i18n import N_

_FILE = "staycurve.toml"
SECTION = "lifecycle"

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

USE_FACTS = ("activated", "active", "adopted")
"""Facts that rest on product events."""


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


@dataclass(frozen=True)
class Rule:
    """One rule: the stage of an account of which all facts in `when` hold.

    Attributes
    ----------
    when : tuple of str
        Names in FACTS, some with 'not ' before them; empty for 'whatever else'.
    """

    stage: str
    when: tuple[str, ...] = ()

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


@dataclass(frozen=True)
class LifecycleRules:
    """[lifecycle]: the rules in their order, and the numbers in them; see THRESHOLDS."""

    trailing_days: int = THRESHOLDS["trailing_days"].default
    adoption_days: int = THRESHOLDS["adoption_days"].default
    adoption_keep_days: int = THRESHOLDS["adoption_keep_days"].default
    tenure_days: int = THRESHOLDS["tenure_days"].default
    expansion_days: int = THRESHOLDS["expansion_days"].default
    trial_days: int = THRESHOLDS["trial_days"].default
    interest_days: int = THRESHOLDS["interest_days"].default
    stuck_percent: int = THRESHOLDS["stuck_percent"].default
    rules: tuple[Rule, ...] = DEFAULT_RULES

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


def _number(key: str, value: object) -> int:
    known = THRESHOLDS[key]
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not known.least <= value <= known.most:  # type: ignore[operator]
        raise ConfigError(
            f"{_FILE}: [lifecycle] {key} takes a whole number from {known.least} to {known.most}.",
            hint=f"Write: {key} = {known.default}",
            key=key,
        )
    return value  # type: ignore[return-value]


def _unknown(kind: str, name: str, known: tuple[str, ...], where: str) -> ConfigError:
    error = UnknownNameError(kind, name, known)
    near = f" Did you mean '{error.suggestion}'?" if error.suggestion else ""
    return ConfigError(
        f"{_FILE}: unknown {kind} {where}'{name}'.{near}",
        hint=f"Known here: {', '.join(known)}",
        key=name,
    )


def _rules(given: object) -> tuple[Rule, ...]:
    example = '[[lifecycle.rules]] stage = "adoption", when = ["paying", "adopted"]'
    if not isinstance(given, list) or not given or not all(isinstance(r, dict) for r in given):
        raise ConfigError(
            f"{_FILE}: [lifecycle] rules is a list of tables.", hint=f"Write: {example}",
            key="rules",
        )
    found = []
    for number, one in enumerate(given, start=1):
        where = f"of rule {number} in [lifecycle] "
        for key in one:
            if key not in ("stage", "when"):
                raise _unknown("key", str(key), ("stage", "when"), where)
        stage, when = one.get("stage", ""), one.get("when", [])
        if stage not in STAGES:
            raise _unknown("stage", str(stage), STAGES, where)
        if not isinstance(when, list) or not all(isinstance(text, str) for text in when):
            raise ConfigError(
                f"{_FILE}: rule {number} of [lifecycle]: when takes a list of facts.",
                hint=f"Write: {example}", key="when",
            )
        rule = Rule(str(stage), tuple(" ".join(text.split()) for text in when))
        for fact, _ in rule.tests:
            if fact not in FACTS:
                raise _unknown("fact", fact, tuple(FACTS), where)
        found.append(rule)
    for number, rule in enumerate(found, start=1):
        if not rule.when and number < len(found):
            raise ConfigError(
                f"{_FILE}: rule {number} of [lifecycle] always holds, so those after it never do.",
                hint="A rule without facts comes last.", key="rules",
            )
    if found[-1].when:
        raise ConfigError(
            f"{_FILE}: the last rule of [lifecycle] asks for facts: some accounts have no stage.",
            hint='End with a rule without facts: stage = "lapsed"', key="rules",
        )
    return tuple(found)


def parse(given: object) -> LifecycleRules:
    """The section as a staycurve.toml states it.

    Raises
    ------
    ConfigError
        For a key, stage or fact that is not known, a number out of its bounds, or rules that leave
        an account without a stage or can never hold.
    """
    if not isinstance(given, dict):
        raise ConfigError(f"{_FILE}: lifecycle is a table.", hint="Write: [lifecycle]")
    known = (*THRESHOLDS, "rules")
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise _unknown("key", str(key), known, "[lifecycle] ")
        values[key] = _rules(value) if key == "rules" else _number(key, value)
    found = LifecycleRules(**values)
    if found.adoption_keep_days > found.adoption_days:
        raise ConfigError(
            f"{_FILE}: [lifecycle] adoption_keep_days = {found.adoption_keep_days} is more than "
            f"adoption_days = {found.adoption_days}.",
            hint="A habit is kept with fewer days than form it, or as many.",
            key="adoption_keep_days",
        )
    if found.adoption_days > found.trailing_days:
        raise ConfigError(
            f"{_FILE}: [lifecycle] adoption_days = {found.adoption_days} is more than the "
            f"{found.trailing_days} days that are looked at.",
            hint="Lower adoption_days, or raise trailing_days.", key="adoption_days",
        )
    return found
