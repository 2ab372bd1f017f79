"""Commands about health: give a pulse, keep scores, look at kept models."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_table
from staycurve.interfaces.cli.views import By, user

health = group("health", "What people and models think of accounts, and what they thought when.")


@health.command()
def pulse(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its account_id.")],
    level: Annotated[
        str,
        typer.Argument(metavar="LEVEL", help="green, yellow or red; none withdraws what stands."),
    ],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why.")] = "",
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Say what you think of an account; it holds for 90 days."""
    with company_of(context) as company:
        made = company.health.give_pulse(account, level, note=note, author=by or user())
    if not print_data({"rows": [made.as_dict()]}, output):
        typer.echo(f"{made.account_id} is {made.level} until {made.expires_on}")


@health.command()
def pulses(
    context: typer.Context,
    account: Annotated[
        str, typer.Option("--account", metavar="ACCOUNT", help="Only pulses of this account.")
    ] = "",
    output: Output = Format.table,
) -> None:
    """Every pulse, oldest first."""
    with company_of(context) as company:
        found = company.health.pulses(account)
    if print_data({"rows": [one.as_dict() for one in found]}, output):
        return
    if not found:
        typer.echo("No pulse: staycurve health pulse ACCOUNT green")
        return
    print_table(
        "Pulses", ["id", "day", "account", "level", "until", "author", "note"],
        [[str(one.id), str(one.day), one.account_id, one.level, str(one.expires_on), one.author,
          one.note] for one in found],
    )


@health.command()
def keep(context: typer.Context, output: Output = Format.table) -> None:
    """Keep today's scores and their model; a day that was kept stays as it was."""
    with company_of(context) as company:
        found = company.health.keep()
    if print_data(found.as_dict(), output):
        return
    if found.is_new:
        typer.echo(f"Kept the scores of {found.day}: {found.accounts} accounts, "
                   f"{found.changed} of them changed")
    else:
        typer.echo(f"The scores of {found.day} are kept already; they stay as they were")


@health.command()
def models(context: typer.Context, output: Output = Format.table) -> None:
    """The models that kept scores came from, with their data version; newest first."""
    with company_of(context) as company:
        found = company.health.models()
    if print_data({"rows": [one.as_dict() for one in found]}, output):
        return
    if not found:
        typer.echo("No model: staycurve health keep")
        return
    print_table(
        "Kept models",
        ["id", "form", "fitted for", "data version", "trained until", "rows", "churned", "digest"],
        [[str(one.id), one.form, str(one.fitted_for), str(one.data_version),
          str(one.trained_until), str(one.trained_on), str(one.left_trained), one.digest[:12]]
         for one in found],
    )


@health.command()
def refit(
    context: typer.Context,
    model: Annotated[int, typer.Argument(metavar="ID", help="Its number in: health models.")],
    output: Output = Format.table,
) -> None:
    """Fit a kept model again, to the data that it was fitted to: are its coefficients the same?"""
    with company_of(context) as company:
        is_same = company.health.refit(model)
    if not print_data({"model": model, "is_same": is_same}, output):
        typer.echo(f"Model {model}: {'the same coefficients' if is_same else 'other coefficients'}")
