"""Commands that ask: metrics, show, cohort, accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from staycurve.errors import StaycurveError
from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.opening import fresh_company_of
from staycurve.interfaces.cli.options import AsOf, By, From, Grain, KnownAt, Output, To, Where
from staycurve.interfaces.cli.output import (
    Format,
    number,
    print_data,
    print_json,
    print_table,
    say,
    segment_of,
)
from staycurve.metrics.dimensions import dims_of

if TYPE_CHECKING:
    from staycurve.config import Config
    from staycurve.metrics.benchmarks import Context


@app.command()
def metrics(
    name: Annotated[str | None, typer.Argument(help="One metric, in full.")] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print only the SQL statement.")] = False,
    output: Output = Format.table,
    context: typer.Context = None,  # type: ignore[assignment]
) -> None:
    """The catalogue of metrics, or one of them in full."""
    from staycurve.metrics.catalogue import METRICS
    from staycurve.metrics.describe import as_dict, as_text, example_sql

    if sql and name is not None:
        _known = METRICS[name]
        typer.echo(example_sql(name))
        return
    config, told = _benchmarks_of(context)
    if name is None:
        rows = [as_dict(key, metric, config, told) for key, metric in METRICS.items()]
        columns = ["name", "label", "unit", "better", "stage", "formula"]
        if not print_data({"rows": rows}, output, columns=columns):
            print_table(
                "Metrics",
                ["name", "label", "formula"],
                [[row["name"], row["label"], row["formula"]] for row in rows],
            )
        return
    metric = METRICS[name]
    if output is Format.json:
        print_json(as_dict(name, metric, config, told) | {"sql": example_sql(name)})
    else:
        typer.echo(as_text(name, metric, config, told))


def _benchmarks_of(context: typer.Context) -> tuple[Config | None, Context | None]:
    """What the benchmarks of a project are chosen by; neither outside of one."""
    from staycurve.config import FILE_NAME
    from staycurve.interfaces.cli.opening import company_of, folder_of

    if not (folder_of(context) / FILE_NAME).is_file():
        return None, None
    with company_of(context) as company:
        try:
            return company.config, company.benchmark_context()
        except StaycurveError:
            # The catalogue stands without the lake; only the company's age is not known then.
            return company.config, None


@app.command()
def show(
    context: typer.Context,
    metric: Annotated[
        list[str], typer.Argument(metavar="METRIC…", help="Names from: staycurve metrics")
    ],
    grain: Grain = "month", start: From = None, end: To = None,
    by: By = "", where: Where = "", as_of: AsOf = None, known_at: KnownAt = None,
    output: Output = Format.table,
) -> None:
    """Values of metrics over time."""
    with fresh_company_of(context) as company:
        result = company.show(
            *metric, grain=grain, start=start, end=end, by=by, where=where, as_of=as_of,
            known_at=known_at,
        )
    if print_data(result.as_dict(), output, rows=result.rows):
        return
    dims = list(result.rows[0]["segment"]) if result.rows else []
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    reasons: dict[str, None] = {}
    for row in result.rows:
        key = (row["period"], *segment_of(row))
        unit = result.units[row["metric"]]
        shown = number(row["value"], unit, is_open=row["open"] and row["value"] is not None)
        lines.setdefault(key, {})[row["metric"]] = shown
        if row.get("why"):
            reasons[f"{row['metric']} {row['period']}: {row['why']}"] = None
    names = list(result.units)
    print_table(
        f"as of {result.as_of}, {result.currency}",
        [grain, *dims, *names],
        [[*key, *(values.get(name, "–") for name in names)] for key, values in lines.items()],
    )
    if any(row["open"] and row["value"] is not None for row in result.rows):
        typer.echo("*  to date: the period is still open")
    say(*[*reasons][:5])
    if len(reasons) > 5:
        say(f"and {len(reasons) - 5} more empty values; --format json says why for each")
    say(*result.said, mark="")


@app.command()
def cohort(
    context: typer.Context,
    value: Annotated[str, typer.Option(help="customers, net_mrr or gross_mrr.")] = "customers",
    how: Annotated[str, typer.Option("--as", help="count, share or change.")] = "share",
    by: By = "", where: Where = "", as_of: AsOf = None, known_at: KnownAt = None,
    output: Output = Format.table,
) -> None:
    """Activation cohort × month matrix."""
    with fresh_company_of(context) as company:
        answer = company.cohort(
            value=value, how=how, by=by, where=where, as_of=as_of, known_at=known_at
        )
    answer.pop("sql")
    if print_data(answer, output):
        return
    lines: dict[tuple[str, ...], list[str]] = {}
    oldest = 0
    for row in answer["rows"]:
        size = f"{row['size']}{' (small)' if row['is_small'] else ''}"
        key = (*segment_of(row), row["cohort"][:7], size)
        lines.setdefault(key, []).append(_cell(row["value"], how))
        oldest = max(oldest, row["age"])
    print_table(
        f"{value} as {how}, as of {answer['as_of']}, {answer['currency']}",
        [*dims_of(by), "cohort", "size", *(str(age) for age in range(oldest + 1))],
        [[*key, *cells, *[""] * (oldest + 1 - len(cells))] for key, cells in lines.items()],
    )


def _cell(value: float | None, how: str) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if how == "count" else f"{value * 100:.0f}%"


_HEADS = {"lost_on": "date", "end_class": "churn type", "last_active_on": "last active"}


@app.command()
def accounts(
    context: typer.Context,
    metric: Annotated[str, typer.Argument(help="A name from: staycurve metrics")],
    period: Annotated[str, typer.Option("--period", metavar="P", help="2024-01, 2024-Q1, …")],
    grain: Annotated[str | None, typer.Option(help="The grain, if the period is finer.")] = None,
    where: Where = "", as_of: AsOf = None, known_at: KnownAt = None,
    under: Annotated[
        str, typer.Option(metavar="PROFILE", help="Other conventions: stripe, or discounts=all.")
    ] = "",
    output: Output = Format.table,
) -> None:
    """The accounts behind one number; they sum (or divide) to it exactly."""
    from staycurve.metrics.catalogue import METRICS

    with fresh_company_of(context) as company:
        found = company.accounts(
            metric, period=period, grain=grain, where=where, as_of=as_of, known_at=known_at,
            under=under,
        )
    if print_data(found.as_dict(), output, rows=found.rows):
        return
    names = ["numerator", "denominator"] if "numerator" in found.total else ["value"]
    shown = sorted(found.rows, key=lambda row: -abs(row[names[0]]))
    beside = [
        name for name in (found.rows[0] if found.rows else {})
        if name not in ("account_id", *names) and any(row[name] is not None for row in found.rows)
    ]
    print_table(
        f"{METRICS[metric].label}, {found.period}, as of {found.as_of}, {found.currency}"
        f"{f', under {under}' if under else ''}",
        ["account", *names, *(_HEADS.get(name, name.replace("_", " ")) for name in beside)],
        [
            [row["account_id"] or "(no account)", *(f"{row[name]:,.6g}" for name in names),
             *("" if row[name] is None else str(row[name]) for name in beside)]
            for row in shown
        ],
    )
    if found.reasons:
        print_table(
            "By reason", ["end reason", "churn type", "accounts", "value"],
            [[one["end_reason"] or "(none given)", one["end_class"] or "", f"{one['accounts']:,}",
              f"{one['value']:,.6g}"] for one in found.reasons],
        )
    total = ", ".join(
        f"{key} {'–' if value is None else value}" for key, value in found.total.items()
    )
    typer.echo(f"{len(found.rows)} rows; {total}")
