"""Which texts of `end_reason` are voluntary churn, which involuntary: [end_reasons]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, shown

VOLUNTARY = (
    "customer request", "too expensive", "missing features", "switched to competitor",
    "not using it", "no longer needed", "low quality", "customer service", "too complex",
    "voluntary",
)
INVOLUNTARY = (
    "payment failed", "payment_failed", "payment failure", "card declined", "card expired",
    "non-payment", "nonpayment", "dunning", "fraud", "involuntary",
)


@dataclass(frozen=True)
class EndReasons:
    """[end_reasons] as it is written; a list that is not there is the default one."""

    __pydantic_config__ = CLOSED

    voluntary: Annotated[
        tuple[str, ...] | None,
        Takes(N_("a list of texts"), 'voluntary = ["customer request", "too expensive"]'),
    ] = None
    involuntary: Annotated[
        tuple[str, ...] | None,
        Takes(N_("a list of texts"), 'involuntary = ["payment failed"]'),
    ] = None


def _plain(reasons: Iterable[str]) -> list[str]:
    return [reason.strip().lower() for reason in reasons]


def _classes(stated: EndReasons) -> Mapping[str, str]:
    """Text → churn type; a text that is listed goes before one that is so by default."""
    found = dict.fromkeys(VOLUNTARY if stated.voluntary is None else (), "voluntary")
    found |= dict.fromkeys(INVOLUNTARY if stated.involuntary is None else (), "involuntary")
    voluntary, involuntary = _plain(stated.voluntary or ()), _plain(stated.involuntary or ())
    for reason in involuntary:
        if reason in voluntary:
            raise Wrong(
                f"lists {shown(reason)} as voluntary and as involuntary.",
                "A text belongs in one of the two lists.",
            )
    return found | dict.fromkeys(voluntary, "voluntary") | dict.fromkeys(involuntary, "involuntary")


END_REASONS = Section(
    "end_reasons",
    EndReasons,
    _classes(EndReasons()),
    N_("Which reasons are voluntary churn, and which involuntary."),
    '[end_reasons]\nvoluntary = ["customer request"]',
    make=_classes,
)
