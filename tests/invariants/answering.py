"""Everything that a company answers, as one text that two companies can be compared by."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from staycurve.errors import StaycurveError
from staycurve.metrics.catalogue import METRICS
from staycurve.tables import fx_days, views
from staycurve.tables.usage_months import OVER_ALL
from staycurve.tables.views import DERIVED, USAGE
from staycurve.workspace import Company

GRAINS = ("month", "day", "week", "quarter", "year")


def derived(company: Company) -> dict[str, list[str]]:
    """Every row of every derived table, in an order of its own."""
    with company.reading() as engine:
        return {
            table: sorted(str(row) for row in engine.rows(f"SELECT * FROM {table}"))
            for table in (*DERIVED, *USAGE, "fx_days")
        }


def computed_anew(company: Company) -> dict[str, list[str]]:
    """As `derived`, by each statement over all that is loaded; nothing is written."""
    config = company.config
    with company.reading() as engine:
        fx_days.build(engine, config, "anew_fx_days")
        made = {"fx_days": "anew_fx_days"}
        engine.view("fx_days", "SELECT * FROM anew_fx_days")
        engine.view("fx_bounds", fx_days.BOUNDS_SQL)
        for name, table in (DERIVED | USAGE).items():
            sql = table.statement(config)
            if name in OVER_ALL:
                key, known = OVER_ALL[name]
                sql = (
                    f"WITH every AS ({sql}) SELECT m.*, {', '.join(f'f.{c}' for c in known)} "
                    f"FROM every m JOIN (SELECT {key}, {', '.join(known.values())} FROM every "
                    f"GROUP BY {key}) f ON f.{key} = m.{key}"
                )
            typed = ", ".join(f'CAST("{column}" AS {kind}) AS "{column}"'
                              for column, kind in table.columns)
            engine.keep(f"anew_{name}", f"SELECT {typed} FROM ({sql}) s")
            engine.view(name, f"SELECT * FROM anew_{name}")
            made[name] = f"anew_{name}"
        found = {
            name: sorted(str(row) for row in engine.rows(f"SELECT * FROM {relation}"))
            for name, relation in made.items()
        }
        views.create(engine, company.lake, company.snapshot)
        for relation in made.values():
            engine.drop(relation)
    return found


def remembered(company: Company) -> dict[str, Any]:
    """What the last refresh found out beside the tables."""
    meta = company.snapshot.meta
    return {
        "attributes": sorted(meta.get("attributes", [])),
        "latest_at": meta.get("latest_at"),
        "rates": meta.get("rates"),
    }


def answers(company: Company, grains: Sequence[str] = ("month",)) -> dict[str, str]:
    """Every metric at some grains, cohorts, lifecycle and usage, each as JSON."""
    found = {}
    for grain in grains:
        names = [name for name, metric in METRICS.items() if grain in metric.grains]
        start, end = ("2024-02-20", "2024-03-20") if grain == "day" else (None, None)

        def show(names: Sequence[str], grain: str = grain, start: str | None = start,
                 end: str | None = end) -> Any:
            result = company.show(*names, grain=grain, start=start, end=end)
            return [result.rows, result.as_of, result.notes]

        try:
            found[grain] = _json(show(names))
        except StaycurveError:
            # One of them is not known at this grain under these conventions.
            for name in names:
                found[f"{grain} {name}"] = _said(lambda name=name: show([name]))  # type: ignore[misc]
    found["cohort customers"] = _said(lambda: company.cohort()["rows"])
    found["cohort mrr"] = _said(lambda: company.cohort(value="net_mrr", how="count")["rows"])
    lifecycle, usage = company.lifecycle, company.features
    found["stages"] = _said(lambda: lifecycle.stages().as_dict()["rows"])
    found["moves"] = _said(lambda: lifecycle.transitions().as_dict()["rows"])
    found["times"] = _said(lambda: lifecycle.times().as_dict()["rows"])
    found["features"] = _said(lambda: usage.report().rows)
    found["limits"] = _said(lambda: _shown(usage.limits()))
    found["activation"] = _said(lambda: _shown(company.onboarding.time_to_value()))
    found["trials"] = _said(lambda: _shown(company.trials.report()))
    return found


def _shown(report: object) -> dict[str, Any]:
    return {name: one for name, one in vars(report).items() if not name.startswith("_")}


def _said(ask: Callable[[], Any]) -> str:
    try:
        return _json(ask())
    except StaycurveError as error:
        return f"{type(error).__name__}: {error}"


def _json(found: Any) -> str:
    return json.dumps(found, default=str, sort_keys=True)
