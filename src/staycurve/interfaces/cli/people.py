"""Commands that keep who may log in: add, list, role, disable, enable, invite, reset."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_table
from staycurve.interfaces.cli.views import By, user

if TYPE_CHECKING:
    from staycurve.state.records import Person
    from staycurve.workspace import Company

people = group("people", "People who may log in to the server, and their roles.")

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's e-mail address.")]
Role = Annotated[
    str, typer.Option("--role", metavar="ROLE", help="viewer, analyst, operator or admin.")
]


@people.command()
def add(
    context: typer.Context,
    email: Email,
    role: Role,
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Read a password from standard input; without, a link to choose one is printed.",
        ),
    ] = False,
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Add a person; from then on the server asks everybody to log in."""
    from staycurve.state.emails import scripts

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
    with company_of(context) as company:
        made = company.state.people.add(email, role, password=password, by=by or user())
        at = "" if password else _link(company, made, "invitation", by or user())
    mixed = scripts(made.email)
    if mixed:
        typer.echo(
            f"The address mixes scripts ({', '.join(mixed)}): is it the one you mean?", err=True
        )
    _told(made, at, output, f"Added {made.email} as {made.role}.")


@people.command("list")
def listed(context: typer.Context, output: Output = Format.table) -> None:
    """Everybody who may log in, with role and last login."""
    with company_of(context) as company:
        rows = [person.as_dict() for person in company.state.people.listed()]
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo("Nobody yet: staycurve people add EMAIL --role admin")
        return
    print_table(
        "People", ["id", "e-mail", "role", "status", "added", "by", "last login"],
        [[str(row["id"]), row["email"], row["role"], row["status"], row["created_at"],
          row["created_by"], row["last_login_at"] or "never"] for row in rows],
    )


@people.command("role")
def change_role(
    context: typer.Context,
    email: Email,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="Their role from now on.")],
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Change a person's role; their sessions end."""
    with company_of(context) as company:
        found = company.state.people.set_role(email, role, by=by or user())
    _told(found, "", output, f"{found.email} is {found.role}.")


@people.command()
def disable(
    context: typer.Context, email: Email, by: By = "", output: Output = Format.table
) -> None:
    """Disable a person: their sessions and links end, and they cannot log in."""
    with company_of(context) as company:
        found = company.state.people.disable(email, by=by or user())
        own = [
            one for one in company.state.known_keys()
            if one.created_by == found.email and one.revoked_at is None
        ]
    _told(found, "", output, f"Disabled {found.email}.")
    if own:
        ids = ", ".join(str(one.id) for one in own)
        typer.echo(f"Keys that they created still work: {ids}. See: staycurve keys list", err=True)


@people.command()
def enable(
    context: typer.Context, email: Email, by: By = "", output: Output = Format.table
) -> None:
    """Enable a person who was disabled."""
    with company_of(context) as company:
        found = company.state.people.enable(email, by=by or user())
    _told(found, "", output, f"Enabled {found.email}.")


@people.command()
def invite(
    context: typer.Context, email: Email, by: By = "", output: Output = Format.table
) -> None:
    """Print a new invitation link, which works once within 7 days."""
    _renew(context, email, "invitation", by, output)


@people.command()
def reset(
    context: typer.Context, email: Email, by: By = "", output: Output = Format.table
) -> None:
    """Print a link to choose a new password, which works once within 4 hours."""
    _renew(context, email, "reset", by, output)


def _renew(context: typer.Context, email: str, kind: str, by: str, output: Format) -> None:
    with company_of(context) as company:
        made, text = company.state.people.link(email, kind, by=by or user())
        at = _address(company, text)
    _told(made, at, output, f"For {made.email}, once:")


def _link(company: Company, person: Person, kind: str, by: str) -> str:
    return _address(company, company.state.people.link(person.email, kind, by=by)[1])


def _address(company: Company, text: str) -> str:
    from staycurve.login_settings import LOGIN

    return f"{company.config[LOGIN].base}/password/{text}"


def _told(person: Person, link: str, output: Format, said: str) -> None:
    row = person.as_dict() | ({"link": link} if link else {})
    if print_data({"rows": [row]}, output):
        return
    typer.echo(said)
    if link:
        typer.echo(link)
