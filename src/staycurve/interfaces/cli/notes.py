"""Commands that keep notes on accounts: add, list, search, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data, print_table
from staycurve.interfaces.cli.views import By, user

if TYPE_CHECKING:
    from staycurve.insights.voice.kept import Note

notes = group("notes", "Notes on accounts: what was said in calls, meetings and e-mails.")


@notes.command()
def add(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its account_id.")],
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="What was said; - reads it from standard input.")
    ],
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="call, meeting or email.")
    ] = "call",
    day: Annotated[
        str, typer.Option("--day", metavar="DAY", help="Such as 2024-05-01. Default: today.")
    ] = "",
    mention: Annotated[
        list[str],
        typer.Option("--mention", metavar="WHO",
                     help="Who was there, beside those named with an @ in the text; repeatable."),
    ] = [],  # noqa: B006
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Add a note on an account."""
    if text == "-":
        text = typer.get_text_stream("stdin").read()
    with company_of(context) as company:
        made = company.voice.add_note(
            account, text, kind=kind, day=day, mentions=mention, author=by or user(),
        )
    if not print_data({"rows": [made.as_dict()]}, output):
        typer.echo(f"Added note {made.id}: {made.day} {made.account_id}")


@notes.command("list")
def listed(
    context: typer.Context,
    account: Annotated[
        str, typer.Option("--account", metavar="ACCOUNT", help="Only notes on this account.")
    ] = "",
    output: Output = Format.table,
) -> None:
    """Every note, oldest first."""
    with company_of(context) as company:
        found = company.voice.notes(account)
    _print(found, output)


@notes.command()
def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="WORDS", help="All of them are in the note.")],
    account: Annotated[
        str, typer.Option("--account", metavar="ACCOUNT", help="Only notes on this account.")
    ] = "",
    output: Output = Format.table,
) -> None:
    """Notes with these words, without regard to capitals and accents."""
    with company_of(context) as company:
        found = company.voice.notes(account, text=text)
    _print(found, output)


@notes.command()
def delete(
    context: typer.Context,
    note: Annotated[int, typer.Argument(metavar="ID", help="Its number in: staycurve notes list.")],
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Delete a note."""
    with company_of(context) as company:
        gone = company.voice.delete_note(note, by=by or user())
    if not print_data({"rows": [gone.as_dict()]}, output):
        typer.echo(f"Deleted note {gone.id}: {gone.day} {gone.account_id}")


def _print(found: Sequence[Note], output: Format) -> None:
    if print_data({"rows": [one.as_dict() for one in found]}, output):
        return
    if not found:
        typer.echo("No note: staycurve notes add ACCOUNT 'What was said'")
        return
    print_table(
        "Notes", ["id", "day", "account", "kind", "author", "text"],
        [[str(one.id), str(one.day), one.account_id, one.kind, one.author, one.text]
         for one in found],
    )
