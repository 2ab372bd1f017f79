"""Commands of experiments that write: add, draw; and who is in which arm."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of, fresh_company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import SHOWN, Format, count, print_data, print_table, say_rest

effects = group(
    "effects", "Experiments: how many accounts they take, and whether what was done helped."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="From: staycurve effects list")]


@effects.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called from now on.")],
    starts: Annotated[str, typer.Option("--starts", metavar="DAY", help="Its first day.")],
    base: Annotated[
        str, typer.Option("--base", metavar="X", help="The outcome without what is tried.")
    ],
    effect: Annotated[
        str, typer.Option("--effect", metavar="Y", help="The outcome that is hoped for.")
    ],
    outcome: Annotated[
        str, typer.Option("--outcome", metavar="M",
                          help="retention, upgrade, usage, conversion, nrr or nps.")
    ] = "retention",
    days: Annotated[
        int, typer.Option("--days", metavar="N", help="Days until an outcome is known.")
    ] = 90,
    looks: Annotated[int, typer.Option("--looks", metavar="N", help="Planned looks.")] = 4,
    holdout: Annotated[
        str, typer.Option("--holdout", metavar="S", help="The share that nothing is done for.")
    ] = "50%",
    of: Annotated[
        str, typer.Option("--of", metavar="WHO", help="playbook:NAME or audience:NAME; everyone "
                          "who pays without it.")
    ] = "",
    strata: Annotated[
        str, typer.Option("--strata", metavar="DIM,…", help="Draw within these, such as plan.")
    ] = "",
    spread: Annotated[
        float, typer.Option("--spread", help="For nrr and nps: the deviation between accounts.")
    ] = 0.0,
    output: Output = Format.table,
) -> None:
    """Declare an experiment in staycurve.toml; what it takes is said by `effects plan`."""
    with company_of(context) as company:
        found = company.proof.add(
            name, starts=starts, base=base, effect=effect, outcome=outcome, days=days,
            looks=looks, holdout=holdout, of=of,
            strata=tuple(one.strip() for one in strata.split(",") if one.strip()), spread=spread,
        )
    if not print_data(found, output, rows=[found]):
        typer.echo(
            f"{name} takes {count(found['accounts_needed'])} accounts in both arms. It stands in "
            f"staycurve.toml.\nWhere it stands: staycurve effects show {name}"
        )


@effects.command()
def draw(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="All that keep their arms without one.")
    ] = "",
    output: Output = Format.table,
) -> None:
    """Draw an arm for accounts that have come since; nobody changes arms."""
    with fresh_company_of(context) as company:
        rows = company.proof.draw(name)
    if not print_data({"rows": rows}, output):
        print_table("Arms", ["experiment", "drawn", "treated", "holdout", "why"],
                    [[one["experiment"], count(one["drawn"]), count(one["treated"]),
                      count(one["held_out"]), one["why"] or ""] for one in rows])


@effects.command()
def arms(context: typer.Context, name: Name, output: Output = Format.table) -> None:
    """Who is in which arm of an experiment, for whoever carries it out."""
    with fresh_company_of(context) as company:
        found = company.proof.listed(name)
    if print_data(found, output):
        return
    rows = found["rows"]
    print_table(name, ["account", "arm", "since", "stratum"],
                [[one["account_id"], one["arm"], one["since"] or "", one["stratum"] or ""]
                 for one in rows[:SHOWN]])
    say_rest(rows)
