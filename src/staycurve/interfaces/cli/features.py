"""Commands that read features: report, adoption, accounts, users, limits and their uses."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.association import print_associations
from staycurve.interfaces.cli.opening import fresh_company_of
from staycurve.interfaces.cli.options import AsOf, Output, Top, Where
from staycurve.interfaces.cli.output import (
    SHOWN,
    Format,
    Row,
    number,
    percent,
    points,
    print_data,
    print_opened,
    print_table,
    say,
    say_rest,
)
from staycurve.metrics.base import Unit

features = group(
    "features", "Who uses which feature, again and again; what works, and who is near a limit."
)

Window = Annotated[
    str | None,
    typer.Option("--period", metavar="P", help="2024-05, 2024-Q2, 2024, or 28d for four weeks."),
]
Month = Annotated[
    str | None, typer.Option("--period", metavar="P", help="A month; default: the as-of's.")
]
Only = Annotated[list[str] | None, typer.Option("--feature", help="These alone; again for more.")]
Months = Annotated[
    int, typer.Option("--months", help="Months between use and whether the account still pays.")
]
Spans = Annotated[
    int, typer.Option("--spans", help="How many such stretches are read; 0 leaves retention out.")
]


@features.command()
def report(
    context: typer.Context,
    period: Window = None, where: Where = "", as_of: AsOf = None,
    top: Top = 50, feature: Only = None, months: Months = 3, spans: Spans = 8,
    output: Output = Format.table,
) -> None:
    """Adoption, depth, repeat use, errors and retention of each feature; works or needs work."""
    with fresh_company_of(context) as company:
        found = company.features.report(
            period=period, where=where, as_of=as_of, top=top, features=feature or (),
            months=months, spans=spans,
        )
    answer = found.to_json()
    if print_data(answer, output, rows=[_flat(row) for row in answer["rows"]]):
        return
    mark = ", to date" if found.window.is_open else ""
    print_table(
        f"Features, {found.window.name}{mark}, as of {found.as_of}: "
        f"{found.active:,} active accounts",
        ["feature", "judgement", "accounts", "adoption", "users", "depth", "again", "paying",
         "trial", "errors", "change 3m"],
        [
            [row["feature"], row["rank_label"], f"{row['accounts']:,}",
             percent(row["adoption"]["value"]), f"{row['users']:,}",
             number(row["depth"], Unit.RATIO), percent(row["repeat"]["value"]),
             percent(row["paying"]["value"]), percent(row["trial"]["value"]),
             percent(row["error_rate"]), points(row["change_3m"], unit="")]
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
    say(answer["retention"].get("why"), *found.notes, found.why)


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
    where: Where = "", as_of: AsOf = None, top: Top = 50, feature: Only = None,
    output: Output = Format.table,
) -> None:
    """Adoption of each feature, month by month."""
    with fresh_company_of(context) as company:
        found = company.features.adoption(
            months=months, where=where, as_of=as_of, top=top, features=feature or ()
        )
    if print_data(found.to_json(), output, rows=found.rows):
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
        str, typer.Option(help="using, active, breadth, before, again, kept, others, …")
    ] = "using",
    breadth: Annotated[
        int | None, typer.Option(help="With the part breadth: those that used so many features.")
    ] = None,
    period: Window = None, where: Where = "", as_of: AsOf = None,
    months: Months = 3, spans: Spans = 8, output: Output = Format.table,
) -> None:
    """The accounts behind one number of the report."""
    with fresh_company_of(context) as company:
        found = company.features.accounts(
            feature, part=part, period=period, where=where, as_of=as_of, months=months,
            spans=spans, breadth=breadth,
        )
    print_opened(found.to_json(), output)


@features.command()
def users(
    context: typer.Context,
    feature: Annotated[str, typer.Argument(help="The feature.")],
    period: Window = None, where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The users of a feature, those who used it most first."""
    with fresh_company_of(context) as company:
        found = company.features.users(feature, period=period, where=where, as_of=as_of)
    print_opened(found.to_json(), output)


@features.command()
def limits(
    context: typer.Context,
    period: Month = None,
    where: Where = "", as_of: AsOf = None,
    least: Annotated[
        float, typer.Option(help="With json and csv: list accounts from this utilisation.")
    ] = 0.5,
    output: Output = Format.table,
) -> None:
    """Who is near or above what the plan allows in a month, or will be at this pace."""
    with fresh_company_of(context) as company:
        found = company.features.limits(period=period, where=where, as_of=as_of, least=least)
    answer = found.to_json()
    if print_data(answer, output):
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
    say_rest(high)
    record = answer["record"]
    said = record["projected_and_passed"] + record["projected_only"] if record else 0
    if said:
        typer.echo(
            f"At this point of the last {len(record['months'])} closed months, {said} were "
            f"projected to pass; {record['projected_and_passed']} did, and "
            f"{record['passed_only']} others."
        )
    say(*found.notes, found.why)


@features.command("limit-uses")
def limit_uses(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="Its account_id.")],
    feature: Annotated[str, typer.Argument(help="The feature that is limited.")],
    period: Month = None, as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """What one account used of its limit in a month, by user and day."""
    with fresh_company_of(context) as company:
        found = company.features.limit_uses(account, feature, period=period, as_of=as_of)
    print_opened(found.to_json(), output)
