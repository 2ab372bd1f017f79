"""Commands that read trials: trials report, accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from staycurve.interfaces.cli.answers import AsOfOption, ByOption, FormatOption, WhereOption
from staycurve.interfaces.cli.app import app, fresh_company_of
from staycurve.interfaces.cli.features import percent, points, print_opened, say
from staycurve.interfaces.cli.output import Format, print_csv, print_json, print_table

trials = typer.Typer(
    help="Trials: who converts, what converters did, and who leaves afterwards.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(trials, name="trials")

Row = Mapping[str, Any]


@trials.command()
def report(
    context: typer.Context,
    by: ByOption = "",
    where: WhereOption = "",
    as_of: AsOfOption = None,
    top: Annotated[int, typer.Option("--top", help="Features shown one by one.")] = 50,
    output: FormatOption = Format.table,
) -> None:
    """Conversion by month and card, time to convert, what converters used, who left."""
    with fresh_company_of(context) as company:
        found = company.trials.report(by=by, where=where, as_of=as_of, top=top)
    answer = found.to_json()
    if output is Format.json:
        print_json(answer)
        return
    if output is Format.csv:
        print_csv([
            {**{key: row[key] for key in ("segment", "cohort", "trials", "mature", "converted")},
             **{key: row["rate"][key] for key in ("value", "low", "high")}}
            for row in answer["rows"]
        ])
        return
    dims = [dim for dim in by.split(",") if dim]
    print_table(
        f"Trials, as of {found.as_of}",
        [*dims, "started in", "trials", "ended", "converted", "conversion", "95% interval"],
        [
            [*(str(row["segment"][dim] or "(none)") for dim in dims), (row["cohort"] or "all")[:7],
             *_conversion(row)]
            for row in [*answer["whole"], *answer["rows"]]
        ],
    )
    labels = answer["cards_labels"]
    print_table(
        "With and without a card",
        ["", "trials", "ended", "converted", "conversion", "95% interval", "median days"],
        [
            [labels[card], *_conversion(row), _days(answer["time_to_convert"][card]["median"])]
            for card, row in answer["cards"].items()
            if row["trials"]
        ],
    )
    _gap(answer["card_difference"])
    print_table(
        "Used during the trial (an association, not a cause)",
        ["feature", "converted", "not converted", "difference", "95% interval", "beyond chance"],
        [
            [row["feature"], percent(row["converted"]["value"]),
             percent(row["not_converted"]["value"]), points(row["difference"]),
             f"{points(row['difference_low'])} to {points(row['difference_high'])}",
             "yes" if row["is_named"] else "no"]
            for row in answer["used"]["rows"]
        ],
    )
    if answer["used"]["rest"]["features"]:
        typer.echo(f"{answer['used']['rest']['features']:,} other features; see --format json.")
    print_table(
        "Left after the first paid day",
        ["trial", "within months", "followed", "left", "95% interval", "curve", "voluntary",
         "involuntary"],
        [
            ["all" if row["card"] == "all" else labels[row["card"]], str(row["months"]),
             f"{row['left']['size']:,}", percent(row["left"]["value"]),
             f"{percent(row['left']['low'])} to {percent(row['left']['high'])}",
             percent((row["kaplan_meier"] or {}).get("value")),
             percent((row["by_class"].get("voluntary") or {}).get("value")),
             percent((row["by_class"].get("involuntary") or {}).get("value"))]
            for row in answer["left"]["rows"]
        ],
    )
    say(found.why)


def _conversion(row: Row) -> list[str]:
    rate = row["rate"]
    return [
        f"{row['trials']:,}", f"{row['mature']:,}", f"{row['converted']:,}",
        percent(rate["value"]), f"{percent(rate['low'])} to {percent(rate['high'])}",
    ]


def _gap(row: Row) -> None:
    if row["difference"] is None:
        return
    chance = row.get("why") or f"chance if both were alike: {row['p_value']:.3g}"
    typer.echo(
        f"With a card {points(row['difference'])} points ({points(row['difference_low'])} to "
        f"{points(row['difference_high'])}); {chance}"
    )


def _days(value: int | None) -> str:
    return "–" if value is None else f"{value}"


@trials.command()
def accounts(
    context: typer.Context,
    part: Annotated[
        str,
        typer.Option(
            help="started, mature, converted, not_converted, immature, left, stayed or used."
        ),
    ] = "started",
    cohort: Annotated[
        str | None, typer.Option(metavar="P", help="The month of the start, such as 2024-05.")
    ] = None,
    card: Annotated[str | None, typer.Option(help="with, without or unknown.")] = None,
    feature: Annotated[str | None, typer.Option(help="Used during the trial.")] = None,
    within: Annotated[
        int | None, typer.Option(help="With left: within so many months of the first paid day.")
    ] = None,
    where: WhereOption = "",
    as_of: AsOfOption = None,
    output: FormatOption = Format.table,
) -> None:
    """The accounts behind one number of the report."""
    with fresh_company_of(context) as company:
        found = company.trials.accounts(
            part, cohort=cohort, card=card, feature=feature, within=within, where=where,
            as_of=as_of,
        )
    print_opened(found.to_json(), output)
