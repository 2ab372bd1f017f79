"""Everything that a company answers, as one text that two companies can be compared by."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from staycurve.errors import StaycurveError
from staycurve.insights.answers import Answer
from staycurve.metrics.catalogue import METRICS
from staycurve.tables import fx_days, views
from staycurve.tables.conformed import CONFORMED
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


Computed = dict[tuple[object, ...], list[str]]
"""What a statement gave, by its text and the versions of the tables that it names."""


def computed_anew(company: Company, before: Computed) -> dict[str, list[str]]:
    """As `derived`, by each statement over all that is loaded; nothing is written.

    Parameters
    ----------
    before : dict
        What earlier calls for this company computed, and what this one adds: a statement whose
        text and tables are as they were is not run again.
    """
    config, versions = company.config, company.snapshot.tables
    keys: dict[str, tuple[object, ...]] = {}
    found: dict[str, list[str]] = {}

    def key_of(sql: str, *settings: object) -> tuple[object, ...]:
        named = set(re.findall(r"[a-z_]+", sql))
        if "fx_bounds" in named:
            named.add("fx_days")
        return (sql, *settings,
                *((table, versions.get(table)) for table in sorted(named & set(CONFORMED))),
                *(keys[table] for table in sorted(named & set(keys))))

    def compute(name: str, key: tuple[object, ...], make: Callable[[str], None]) -> None:
        # What is not made again is named as it is kept, which is compared with what it was.
        keys[name] = key
        if key not in before:
            make(f"anew_{name}")
            before[key] = sorted(str(row) for row in engine.rows(f"SELECT * FROM anew_{name}"))
            engine.view(name, f"SELECT * FROM anew_{name}")
            made.append(f"anew_{name}")
        found[name] = before[key]

    with company.reading() as engine:
        made: list[str] = []
        compute(
            "fx_days",
            key_of(
                f"{fx_days.used_currencies_sql()}, fx_rates",
                config.company.currency, config.convention("fx"),
            ),
            lambda relation: fx_days.build(engine, config, relation),
        )
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
            sql = f"SELECT {typed} FROM ({sql}) s"
            compute(name, key_of(sql), lambda relation, sql=sql: engine.keep(relation, sql))
        if made:
            views.create(engine, company.lake, company.snapshot)
        for relation in made:
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


def answers(
    company: Company, grains: Sequence[str] = ("month",), part: int | None = None
) -> dict[str, str]:
    """Every metric at some grains, cohorts, lifecycle and usage, each as JSON.

    Parameters
    ----------
    part : int, optional
        Half of it alone: 0 or 1.
    """
    found = {}
    first, step = (0, 1) if part is None else (part, 2)
    for grain in grains:
        names = [name for name, metric in METRICS.items() if grain in metric.grains][first::step]
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
    lifecycle, usage = company.lifecycle, company.features
    asked: dict[str, Callable[[], Any]] = {
        "cohort customers": lambda: company.cohort()["rows"],
        "cohort mrr": lambda: company.cohort(value="net_mrr", how="count")["rows"],
        "stages": lambda: lifecycle.stages().as_dict()["rows"],
        "features": lambda: usage.report().rows,
        "times": lambda: lifecycle.times().as_dict()["rows"],
        "moves": lambda: lifecycle.transitions().as_dict()["rows"],
        "limits": lambda: _shown(usage.limits()),
        "activation": lambda: _shown(company.onboarding.time_to_value()),
        "trials": lambda: _shown(company.trials.report()),
    }
    for name in list(asked)[first::step]:
        found[name] = _said(asked[name])
    return found


def _shown(report: object) -> dict[str, Any]:
    if isinstance(report, Answer):
        return report.as_dict()
    return {name: one for name, one in vars(report).items() if not name.startswith("_")}


def _said(ask: Callable[[], Any]) -> str:
    try:
        return _json(ask())
    except StaycurveError as error:
        return f"{type(error).__name__}: {error}"


def _json(found: Any) -> str:
    return json.dumps(found, default=str, sort_keys=True)
