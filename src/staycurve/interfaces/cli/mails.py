"""Commands of mails that are no survey's: value recaps and the weekly digest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of, fresh_company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import (
    SHOWN,
    Format,
    print_data,
    print_table,
    say_rest,
)
from staycurve.interfaces.cli.views import user

recaps = group("recaps", "What customers got out of a period: files, and mails to their contacts.")
digest = group("digest", "The weekly digest by e-mail, one a person and week.")

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its account_id.")]
PeriodOption = Annotated[
    str | None,
    typer.Option("--period", metavar="P",
                 help="A month, quarter or year. Default: the last quarter that is over."),
]


@recaps.command()
def write(
    context: typer.Context, account: Account, period: PeriodOption = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="INSTANT", help="Ignore data after this time.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Where the files go.")
    ] = Path("."),
) -> None:
    """Write the recap of an account into two files, HTML to print and plain text."""
    with fresh_company_of(context) as company:
        paths = company.recaps.write(account, folder, period=period, as_of=as_of)
    for path in paths:
        typer.echo(str(path))


@recaps.command()
def contacts(context: typer.Context, account: Account, output: Output = Format.table) -> None:
    """The users of an account, and who of them may be sent its recap."""
    from staycurve.workspace.recaps import WHY_NOT

    with fresh_company_of(context) as company:
        rows = [one.as_dict() for one in company.recaps.contacts(account)]
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo(f"No users of {account} are loaded.")
        return
    print_table("Contacts", ["user", "name", "email", "may be sent"],
                [[one["user_id"], one["name"] or "", one["email"] or "",
                  "yes" if one["may_be_sent"] else f"no: {WHY_NOT[one['why_not']]}"]
                 for one in rows])


@recaps.command("send")
def send_recap(
    context: typer.Context, account: Account,
    to: Annotated[
        list[str],
        typer.Option("--to", metavar="WHO", help="A user id or address of a contact; repeatable."),
    ],
    period: PeriodOption = None,
    by: Annotated[
        str, typer.Option("--by", metavar="WHO", help="Who sends it. Default: you.")
    ] = "",
    output: Output = Format.table,
) -> None:
    """Send the recap of an account to chosen contacts, to each once for the same days."""
    from staycurve.state.mails import RECAP

    with fresh_company_of(context) as company:
        rows = company.recaps.send(account, to, by=by or user(), period=period)
        sent = company.mailing.send(kind=RECAP).as_dict()
    if print_data({"rows": rows, "sent": sent}, output):
        return
    for one in rows:
        if not one["is_new"]:
            typer.echo(f"{one['email']} has been sent this recap already.")
    _say_sent(sent)


@recaps.command("list")
def listed(
    context: typer.Context,
    account: Annotated[str, typer.Option("--account", metavar="ACCOUNT")] = "",
    output: Output = Format.table,
) -> None:
    """The recaps that were sent or wait, newest first."""
    from staycurve.state.mails import RECAP

    with company_of(context) as company:
        rows = company.mailing.listed(kind=RECAP, account=account)
    _print_mails(rows, output)


@digest.command()
def preview(
    context: typer.Context,
    whose: Annotated[
        str, typer.Argument(metavar="[WHO]", help="An owner or an address. Default: all accounts.")
    ] = "",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write it as HTML, too.")
    ] = None,
) -> None:
    """The digest as it would go out now, as plain text."""
    from staycurve.actions.mails.documents import html_of, text_of
    from staycurve.errors import UsageError

    with fresh_company_of(context) as company:
        letter = company.digests.preview(whose)
    if html is not None:
        try:
            html.write_text(html_of(letter), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{html} cannot be written: {error.strerror or error}.",
                             hint="Name another file.") from None
    typer.echo(text_of(letter), nl=False)


@digest.command("send")
def send_digest(context: typer.Context, output: Output = Format.table) -> None:
    """Send the digests of this week that are due and have not gone out; a server does it itself."""
    from staycurve.state.mails import DIGEST

    with fresh_company_of(context) as company:
        rows = company.digests.put_due()
        sent = company.mailing.send(kind=DIGEST).as_dict()
    if not print_data({"rows": rows, "sent": sent}, output):
        _say_sent(sent)


@digest.command()
def recipients(context: typer.Context, output: Output = Format.table) -> None:
    """Who gets a digest, of whose accounts, and in which time zone."""
    with fresh_company_of(context) as company:
        rows: list[dict[str, Any]] = [one.as_dict() for one in company.digests.recipients()]
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo('Nobody. Write in staycurve.toml: [digest] people = { Ana = "ana@example.com" }')
        return
    print_table("Recipients", ["email", "accounts of", "time zone"],
                [[one["email"], ", ".join(one["owners"]) or "all", one["timezone"]]
                 for one in rows])


@digest.command("list")
def digests(context: typer.Context, output: Output = Format.table) -> None:
    """The digests that were sent or wait, newest first."""
    from staycurve.state.mails import DIGEST

    with company_of(context) as company:
        rows = company.mailing.listed(kind=DIGEST)
    _print_mails(rows, output)


def _print_mails(rows: list[dict[str, Any]], output: Format) -> None:
    if print_data({"rows": rows}, output):
        return
    print_table("Mails", ["id", "to", "account", "subject", "state", "said"],
                [[str(one["id"]), one["email"], one["account_id"] or "", one["subject"],
                  one["state"], one["said"] or ""] for one in rows[:SHOWN]])
    say_rest(rows)


def _say_sent(sent: dict[str, Any]) -> None:
    typer.echo(f"Sent {sent['sent']}, refused {sent['refused']}, waiting {sent['waiting']}.")
    if sent["fault"]:
        typer.echo(f"{sent['fault']} The mails wait.", err=True)
