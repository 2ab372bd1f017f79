"""Commands that read trials: trials report, accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import fresh_company_of
from staycurve.interfaces.cli.options import AsOf, By, Output, Top, Where
from staycurve.interfaces.cli.output import (
    Format,
    Row,
    count,
    percent,
    points,
    print_data,
    print_opened,
    print_table,
    say,
    segment_of,
)
from staycurve.metrics.dimensions import dims_of

trials = group("trials", "Trials: who converts, what converters did, and who leaves afterwards.")


@trials.command()
def report(
    context: typer.Context,
    by: By = "", where: Where = "", as_of: AsOf = None, top: Top = 50,
    output: Output = Format.table,
) -> None:
    """Conversion by month and card, time to convert, what converters used, who left."""
    with fresh_company_of(context) as company:
        found = company.trials.report(by=by, where=where, as_of=as_of, top=top)
    answer = found.to_json()
    lines = [
        {**{key: row[key] for key in ("segment", "cohort", "trials", "mature", "converted")},
         **{key: row["rate"][key] for key in ("value", "low", "high")}}
        for row in answer["rows"]
    ]
    if print_data(answer, output, rows=lines):
        return
    print_table(
        f"Trials, as of {found.as_of}",
        [*dims_of(by), "started in", "trials", "ended", "converted", "conversion", "95% interval"],
        [
            [*segment_of(row), (row["cohort"] or "all")[:7], *_conversion(row)]
            for row in [*answer["whole"], *answer["rows"]]
        ],
    )
    labels = answer["cards_labels"]
    print_table(
        "With and without a card",
        ["", "trials", "ended", "converted", "conversion", "95% interval", "median days"],
        [
            [labels[card], *_conversion(row), count(answer["time_to_convert"][card]["median"])]
            for card, row in answer["cards"].items()
            if row["trials"]
        ],
    )
    _say_gap(answer["card_difference"])
    print_table(
        "Used during the trial (an association, not a cause)",
        ["feature", "converted", "not converted", "difference", "95% interval", "beyond chance"],
        [
            [row["feature"], percent(row["converted"]["value"]),
             percent(row["not_converted"]["value"]), points(row["difference"], unit=""),
             _gap_between(row), "yes" if row["is_named"] else "no"]
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


def _say_gap(row: Row) -> None:
    if row["difference"] is None:
        return
    chance = row.get("why") or f"chance if both were alike: {row['p_value']:.3g}"
    typer.echo(
        f"With a card {points(row['difference'], unit='')} points ({_gap_between(row)}); {chance}"
    )


def _gap_between(row: Row) -> str:
    low, high = row["difference_low"], row["difference_high"]
    return f"{points(low, unit='')} to {points(high, unit='')}"


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
    feature: Annotated[
        str | None,
        typer.Option(help="With used, converted, not_converted: used during the trial."),
    ] = None,
    without: Annotated[
        str | None,
        typer.Option(help="With converted, not_converted: a feature that they did not use."),
    ] = None,
    within: Annotated[
        int | None,
        typer.Option(
            help="With left: those followed for so many months from the first paid day that left "
            "within them; with converted, stayed: those followed for so many."
        ),
    ] = None,
    end_class: Annotated[
        str | None, typer.Option(help="With left: voluntary, involuntary, paused or unknown.")
    ] = None,
    where: Where = "", as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """The accounts behind one number of the report."""
    with fresh_company_of(context) as company:
        found = company.trials.accounts(
            part, cohort=cohort, card=card, feature=feature, without=without, within=within,
            end_class=end_class, where=where, as_of=as_of,
        )
    print_opened(found.to_json(), output)
