"""Rules: when an account is in which stage, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.insights.answers import Answer, Key, Row, Said, Table, col
from staycurve.insights.base import insight
from staycurve.insights.lifecycle.lifecycle import StageLabel
from staycurve.insights.shared.reader import Reader
from staycurve.lifecycle_rules import LABELS, THRESHOLDS
from staycurve.metrics.base import Unit


@dataclass(frozen=True)
class RuleShown(Row):
    """One rule: the stage of an account of which every fact in `when` holds."""

    rule: Annotated[int, Key(N_("Its place, from 0."))]
    stage: Annotated[str, Key()]
    label: StageLabel
    when: Annotated[tuple[str, ...], Key(N_("The facts that hold."))]
    words: Annotated[str, col(N_("The account …"))]


@dataclass(frozen=True)
class Threshold(Row):
    """One number of the rules, with its default and the reason for it."""

    key: Annotated[str, col(N_("Key"))]
    value: Annotated[int, col(N_("Value"), Unit.COUNT)]
    default: Annotated[int, col(N_("Default"), Unit.COUNT)]
    about: Annotated[str, col(N_("What it is"))]
    why: Annotated[str, col(N_("Why the default"))]


@dataclass(frozen=True, kw_only=True)
class Rules(Answer):
    """The rules in force, in their order: the first that holds names an account's stage."""

    rows: Annotated[tuple[RuleShown, ...], Table(N_("Rules, in their order"))]
    thresholds: Annotated[
        tuple[Threshold, ...],
        Table(N_("Numbers in them, keys of the section lifecycle in staycurve.toml")),
    ]

    def title(self) -> Said:
        return Said(N_("Rules, in their order"))


@insight("lifecycle rules", comes_from="/lifecycle#rules", needs="accounts")
def rules(company: Reader) -> Rules:
    """When is an account in which stage? The first rule that holds decides."""
    own = company.config.lifecycle
    return Rules(
        rows=tuple(
            RuleShown(place, rule.stage, LABELS[rule.stage], tuple(rule.when),
                      own.rule_words(place))
            for place, rule in enumerate(own.rules)
        ),
        thresholds=tuple(
            Threshold(key, own.threshold(key), known.default, known.about, known.why)
            for key, known in THRESHOLDS.items()
        ),
    )
