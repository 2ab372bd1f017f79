"""Commands of success plans: dated milestones of one account."""

from __future__ import annotations

from typing import Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_table
from staycurve.interfaces.cli.views import user

plans = group("plans", "Success plans: what an account is to reach, and by when.")

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id.")]
Number = Annotated[int, typer.Argument(metavar="ID", help="Its number in the plan.")]
Who = Annotated[str, typer.Option("--by", metavar="WHO", help="Who says so. Default: you.")]


@plans.command()
def show(context: typer.Context, account: Account, output: Output = Format.table) -> None:
    """The milestones of an account, by day."""
    with company_of(context) as company:
        rows = company.work.milestones(account)
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo(f"No plan yet. Begin one: staycurve plans add {account} …")
        return
    print_table(
        f"Success plan of {account}", ["id", "due", "milestone", "owner", "state"],
        [[str(one["id"]), one["due_on"], one["title"], one["owner"],
          "reached" if one["done_at"] else "overdue" if one["is_overdue"] else "open"]
         for one in rows],
    )


@plans.command()
def add(
    context: typer.Context, account: Account,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What is to be reached.")],
    due: Annotated[str, typer.Option("--due", metavar="DAY", help="As 2026-06-30.")],
    owner: Annotated[str, typer.Option("--owner", metavar="WHO", help="Who answers for it.")],
    by: Who = "",
    output: Output = Format.table,
) -> None:
    """Add a milestone; one that is overdue is the fact `overdue_milestones` of rules."""
    with company_of(context) as company:
        found = company.work.add_milestone(
            account, title, due_on=due, owner=owner, by=by or user()
        )
    if not print_data({"rows": [found]}, output):
        typer.echo(f"Milestone {found['id']} of {account} is due on {found['due_on']}.")


@plans.command()
def reach(
    context: typer.Context, milestone: Number, by: Who = "", output: Output = Format.table
) -> None:
    """Say that a milestone has been reached."""
    with company_of(context) as company:
        found = company.work.reach_milestone(milestone, by=by or user())
    if not print_data({"rows": [found]}, output):
        typer.echo(f"Reached: {found['title']}")


@plans.command()
def drop(
    context: typer.Context, milestone: Number, by: Who = "", output: Output = Format.table
) -> None:
    """Take a milestone out of its plan."""
    with company_of(context) as company:
        found = company.work.drop_milestone(milestone, by=by or user())
    if not print_data({"rows": [found]}, output):
        typer.echo(f"Dropped: {found['title']}")
