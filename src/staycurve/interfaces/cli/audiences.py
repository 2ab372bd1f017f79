"""Commands of audiences: list, members, follow, export."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import fresh_company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import (
    SHOWN,
    Format,
    count,
    print_data,
    print_json,
    print_table,
    say_rest,
)

audiences = group("audiences", "Saved segments over everything known.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="From: staycurve audiences list")]


@audiences.command("list")
def listed(context: typer.Context, output: Output = Format.table) -> None:
    """Every audience, and how many are in it now."""
    with fresh_company_of(context) as company:
        rows = company.audiences.listed()
    if not print_data({"rows": rows}, output):
        print_table("Audiences", ["audience", "members", "rule", "why"],
                    [[one["audience"], count(one["members"]), one["rule"], one["why"] or ""]
                     for one in rows])


@audiences.command()
def members(
    context: typer.Context, name: Name,
    at: Annotated[
        str | None, typer.Option("--at", metavar="INSTANT", help="Who was in it then.")
    ] = None,
    output: Output = Format.table,
) -> None:
    """Who is in an audience, or was at an instant."""
    with fresh_company_of(context) as company:
        found = company.audiences.members(name, at=at)
    if print_data(found, output):
        return
    rows = found["rows"]
    print_table(name, ["account", "name", "since"],
                [[one["account_id"], one["name"] or "", (one["since"] or "")[:10]]
                 for one in rows[:SHOWN]])
    say_rest(rows)


@audiences.command()
def follow(context: typer.Context, output: Output = Format.table) -> None:
    """Keep who is in every audience now, for its history."""
    with fresh_company_of(context) as company:
        rows = company.audiences.follow()
    if not print_data({"rows": rows}, output):
        print_table("Audiences", ["audience", "members", "entered", "left"],
                    [[one["audience"], count(one["members"]), count(one["entered"]),
                      count(one["left"])] for one in rows])


@audiences.command()
def export(
    context: typer.Context, name: Name,
    form: Annotated[
        str, typer.Option("--as", metavar="FORM", help="people, or JSON: hubspot and customerio "
                          "for accounts, hubspot-contacts and customerio-people for people.")
    ] = "people",
    output: Output = Format.table,
) -> None:
    """An audience's people who may be written to, or JSON for HubSpot or Customer.io."""
    with fresh_company_of(context) as company:
        if form != "people":
            print_json(company.audiences.exported(name, form))
            return
        people = company.audiences.people(name)
    if not print_data({"rows": people}, output):
        print_table(name, ["account", "user", "email"],
                    [[one["account_id"], one["user_id"], one["email"]] for one in people[:SHOWN]])
        say_rest(people)


@audiences.command()
def send(
    context: typer.Context, name: Name,
    to: Annotated[str, typer.Option("--to", metavar="CHANNEL", help="A webhook, from [channels].")],
    output: Output = Format.table,
) -> None:
    """Let a webhook know who is in an audience, signed; a server sends it, or: channels send."""
    with fresh_company_of(context) as company:
        messages = company.audiences.send(name, to)
    if not print_data({"rows": [{"audience": name, "channel": to, "messages": messages}]}, output):
        typer.echo(f"{messages} message{'' if messages == 1 else 's'} for {to} will be sent.")
