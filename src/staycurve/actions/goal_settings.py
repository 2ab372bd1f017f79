"""Which playbooks serve the goals of a metric: the section [goals] of staycurve.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from staycurve.i18n import N_
from staycurve.sections import CLOSED, Section, Takes, Wrong, near

_EXAMPLE = '[goals.playbooks]\nnrr = ["renewal", "limit-reached"]'


@dataclass(frozen=True)
class Serving:
    """[goals].

    Attributes
    ----------
    playbooks : mapping
        Metric → the playbooks that serve its goals.
    """

    __pydantic_config__ = CLOSED

    playbooks: Annotated[
        Mapping[str, tuple[str, ...]],
        Takes(N_("playbooks of metrics"), 'playbooks = { nrr = ["renewal"] }'),
    ] = field(default_factory=dict)

    def metrics_of(self, playbook: str) -> tuple[str, ...]:
        """The metrics whose goals a playbook serves."""
        return tuple(metric for metric, own in self.playbooks.items() if playbook in own)


def _made(own: Serving) -> Serving:
    # Only who writes the section pays for the import.
    from staycurve.metrics.catalogue import METRICS

    for metric, playbooks in own.playbooks.items():
        if metric not in METRICS:
            raise Wrong(f"names '{metric}', which is no metric.{near(metric, list(METRICS))}",
                        _EXAMPLE, "playbooks")
        if not playbooks:
            raise Wrong(f"names no playbook for {metric}.", _EXAMPLE, "playbooks")
        twice = next((one for one in playbooks if playbooks.count(one) > 1), "")
        if twice:
            raise Wrong(f"names '{twice}' twice for {metric}.", _EXAMPLE, "playbooks")
    return own


GOALS = Section(
    "goals", Serving, Serving(), N_("Which playbooks serve the goals of a metric."), _EXAMPLE,
    make=_made,
)
