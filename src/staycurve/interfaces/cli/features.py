"""Commands that read features: features report, adoption, accounts, users, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from staycurve.interfaces.cli.answers import AsOfOption, FormatOption, WhereOption
from staycurve.interfaces.cli.app import app, fresh_company_of
from staycurve.interfaces.cli.output import Format, print_csv, print_json, print_table

features = typer.Typer(
    help="Who uses which feature, again and again; what works, and who is near a limit.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(features, name="features")

PeriodOption = Annotated[
    str | None,
    typer.Option("--period", metavar="P", help="2024-05, 2024-Q2, 2024, or 28d for four weeks."),
]
TopOption = Annotated[int, typer.Option("--top", help="Features shown one by one.")]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--feature", help="These alone; again for more.")
]
MonthsOption = Annotated[
    int, typer.Option("--months", help="Months between use and whether the account still pays.")
]
SpansOption = Annotated[
    int, typer.Option("--spans", help="How many such stretches are read; 0 leaves retention out.")
]
SHOWN = 40
"""How many accounts a table lists; --format csv lists them all."""

Row = Mapping[str, Any]


@features.command()
def report(
    context: typer.Context,
    period: PeriodOption = None,
    where: WhereOption = "",
    as_of: AsOfOption = None,
    top: TopOption = 50,
    feature: OnlyOption = None,
    months: MonthsOption = 3,
    spans: SpansOption = 8,
    output: FormatOption = Format.table,
) -> None:
    """Adoption, depth, repeat use, errors and retention of each feature; works or needs work."""
    with fresh_company_of(context) as company:
        found = company.features.report(
            period=period, where=where, as_of=as_of, top=top, features=feature or (),
            months=months, spans=spans,
        )
    answer = found.to_json()
    if output is Format.json:
        print_json(answer)
        return
    if output is Format.csv:
        print_csv([_flat(row) for row in answer["rows"]])
        return
    mark = ", to date" if found.window.is_open else ""
    print_table(
        f"Features, {found.window.name}{mark}, as of {found.as_of}: "
        f"{found.active:,} active accounts",
        ["feature", "judgement", "accounts", "adoption", "users", "depth", "again", "paying",
         "trial", "errors", "change 3m"],
        [
            [row["feature"], row["rank_label"], f"{row['accounts']:,}",
             percent(row["adoption"]["value"]), f"{row['users']:,}", _number(row["depth"]),
             percent(row["repeat"]["value"]), percent(row["paying"]["value"]),
             percent(row["trial"]["value"]), percent(row["error_rate"]),
             points(row["change_3m"])]
            for row in answer["rows"]
        ],
    )
    rest = answer["rest"]
    if rest["features"]:
        typer.echo(
            f"{rest['features']:,} other features, none used by more than "
            f"{rest['most_accounts']:,} accounts; --format json names them."
        )
    mean = answer["breadth"]["mean"]
    if mean is not None:
        typer.echo(f"An active account uses {mean:.1f} features.")
    print_associations(
        "Still paying", [(row["feature"], row["retention"]) for row in answer["rows"]]
    )
    say(answer["retention"].get("why"))
    for note in found.notes:
        say(note)
    say(found.why)


def _flat(row: Row) -> dict[str, Any]:
    kept = row["retention"] or {}
    within = kept.get("among_comparable") or {}
    return {
        **{key: value for key, value in row.items() if not isinstance(value, dict | list)},
        **{key: row[key]["value"]
           for key in ("adoption", "repeat", "paying", "trial", "other")},
        "retention_difference": kept.get("difference"),
        "retention_low": kept.get("difference_low"),
        "retention_high": kept.get("difference_high"),
        "comparable_difference": within.get("difference"),
        "verdict": kept.get("verdict"),
    }


@features.command()
def adoption(
    context: typer.Context,
    months: Annotated[int, typer.Option("--months", help="How many closed months.")] = 12,
    where: WhereOption = "",
    as_of: AsOfOption = None,
    top: TopOption = 50,
    feature: OnlyOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Adoption of each feature, month by month."""
    with fresh_company_of(context) as company:
        found = company.features.adoption(
            months=months, where=where, as_of=as_of, top=top, features=feature or ()
        )
    if output is Format.json:
        print_json(found.to_json())
        return
    if output is Format.csv:
        print_csv(found.rows)
        return
    columns = list(dict.fromkeys(row["period"] for row in found.rows))
    values = {(row["feature"], row["period"]): row["value"] for row in found.rows}
    print_table(
        f"Feature adoption, as of {found.as_of}",
        ["feature", *(column[:7] for column in columns)],
        [
            [name, *(percent(values[name, column]) for column in columns)]
            for name in dict.fromkeys(row["feature"] for row in found.rows)
        ],
    )
    if found.rest:
        typer.echo(f"{len(found.rest):,} other features; --format json names them.")


@features.command()
def accounts(
    context: typer.Context,
    feature: Annotated[str, typer.Argument(help="The feature; '' for parts that have none.")] = "",
    part: Annotated[
        str, typer.Option(help="using, active, before, again, kept, others, …")
    ] = "using",
    period: PeriodOption = None,
    where: WhereOption = "",
    as_of: AsOfOption = None,
    months: MonthsOption = 3,
    spans: SpansOption = 8,
    output: FormatOption = Format.table,
) -> None:
    """The accounts behind one number of the report."""
    with fresh_company_of(context) as company:
        found = company.features.accounts(
            feature, part=part, period=period, where=where, as_of=as_of, months=months, spans=spans
        )
    print_opened(found.to_json(), output)


@features.command()
def users(
    context: typer.Context,
    feature: Annotated[str, typer.Argument(help="The feature.")],
    period: PeriodOption = None,
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """The users of a feature, those who used it most first."""
    with fresh_company_of(context) as company:
        found = company.features.users(feature, period=period, where=where, as_of=as_of)
    print_opened(found.to_json(), output)


@features.command()
def limits(
    context: typer.Context,
    period: Annotated[
        str | None, typer.Option("--period", metavar="P", help="A month; default: the as-of's.")
    ] = None,
    where: WhereOption = "",
    as_of: AsOfOption = None,
    least: Annotated[
        float, typer.Option(help="With json and csv: list accounts from this utilisation.")
    ] = 0.5,
    output: FormatOption = Format.table,
) -> None:
    """Who is near or above what the plan allows in a month, or will be at this pace."""
    with fresh_company_of(context) as company:
        found = company.features.limits(period=period, where=where, as_of=as_of, least=least)
    answer = found.to_json()
    if output is Format.json:
        print_json(answer)
        return
    if output is Format.csv:
        print_csv(answer["rows"])
        return
    print_table(
        f"Limits, {found.month.window.name}, {found.month.days_passed:.1f} days of it, "
        f"as of {found.as_of}",
        ["feature", "accounts", "above", "near", "projected above", "MRR of these"],
        [
            [row["feature"], f"{row['accounts']:,}", f"{row['above']:,}", f"{row['near']:,}",
             f"{row['projected_above']:,}", f"{row['projected_above_mrr']:,.2f}"]
            for row in answer["summary"]
        ],
    )
    high = [row for row in answer["rows"] if row["status"] != "below" or row["is_projected_above"]]
    print_table(
        f"Near or above, or on the way ({found.currency})",
        ["account", "name", "feature", "plan", "MRR", "used", "allowance", "utilisation",
         "projected"],
        [
            [row["account_id"], str(row["name"] or ""), row["feature"], str(row["plan"] or ""),
             f"{row['mrr']:,.2f}", f"{row['uses']:,}", f"{row['allowance']:,}",
             percent(row["utilisation"]), percent(row["projected_utilisation"])]
            for row in high[:SHOWN]
        ],
    )
    _more(len(high))
    record = answer["record"]
    said = record["projected_and_passed"] + record["projected_only"] if record else 0
    if said:
        typer.echo(
            f"At this point of the last {len(record['months'])} closed months, {said} were "
            f"projected to pass; {record['projected_and_passed']} did, and "
            f"{record['passed_only']} others."
        )
    for note in found.notes:
        say(note)
    say(found.why)


def print_opened(answer: Row, output: Format) -> None:
    """The accounts or users behind one number."""
    rows: Sequence[Row] = answer["rows"]
    if output is Format.json:
        print_json(answer)
    elif output is Format.csv:
        print_csv(rows)
    else:
        columns = list(rows[0]) if rows else ["account_id"]
        print_table(
            f"{answer['about']}, as of {answer['as_of']}",
            columns,
            [[_cell(row[column]) for column in columns] for row in rows[:SHOWN]],
        )
        _more(len(rows))
        typer.echo(", ".join(f"{key} {value:,}" for key, value in answer["total"].items()))


def print_associations(title: str, given: Sequence[tuple[str, Row | None]]) -> None:
    """Who stays, among those who did something and the others."""
    rows = [(name, one) for name, one in given if one is not None]
    if not rows:
        return
    print_table(
        f"{title}: those who did it, beside the others (an association, not a cause)",
        ["", "did", "stayed", "others", "stayed", "difference", "95% interval", "comparable",
         "verdict", "what else differs"],
        [
            [name, f"{one['users']['size']:,}", percent(one["users"]["value"]),
             f"{one['others']['size']:,}", percent(one["others"]["value"]),
             points(one["difference"]), _interval(one),
             points((one["among_comparable"] or {}).get("difference")), one["verdict"],
             ", ".join(c["name"] for c in one["confounders"] if c["differs"])]
            for name, one in rows
        ],
    )


def _interval(one: Row) -> str:
    if one["difference_low"] is None:
        return "–"
    return f"{points(one['difference_low'])} to {points(one['difference_high'])}"


def percent(value: float | None) -> str:
    """A share for people."""
    return "–" if value is None else f"{value * 100:.1f}%"


def points(value: float | None) -> str:
    """A difference of shares for people, in points."""
    return "–" if value is None else f"{value * 100:+.1f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(str(key) for key, at in value.items() if at is not None)
    return str(value)


def say(text: str | None) -> None:
    """One line below a table."""
    if text:
        typer.echo(f"–  {text}")


def _more(size: int) -> None:
    if size > SHOWN:
        typer.echo(f"… and {size - SHOWN:,} more; --format csv lists them all.")
