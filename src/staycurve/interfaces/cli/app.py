"""The commands, in the order in which a newcomer meets them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_group

from staycurve.interfaces.cli import asking
from staycurve.interfaces.cli.opening import work_on

BY_HAND = (
    "data", "maps", "sources", "matches", "books", "answers", "questions", "comparing", "views",
    "annotations", "goals", "work", "plans", "audiences", "effects", "surveys", "notes", "health",
    "feedback", "mails", "keys",
    "people", "identities", "person", "running", "operating",
)
"""The files with commands that are written by hand, in the order in which help lists them."""

AT_ONCE = {name: "answers" for name in ("metrics", "show", "cohort", "accounts")}
"""Commands that wait for no other file to be imported, and theirs."""


class Themes(asking.Questions):
    """The program itself: it imports the files with commands when a command is looked for."""

    @property
    def words(self) -> str:
        """Every insight is below it."""
        return ""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command."""
        self._gather(BY_HAND)
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name."""
        if cmd_name not in self.commands:
            self._gather((AT_ONCE[cmd_name],) if cmd_name in AT_ONCE else BY_HAND)
        return super().get_command(ctx, cmd_name)

    def _gather(self, files: Sequence[str]) -> None:
        for name in files:
            importlib.import_module(f"staycurve.interfaces.cli.{name}")
        for name, command in get_group(app).commands.items():
            self.commands.setdefault(name, command)


app = typer.Typer(
    name="staycurve",
    help="Follow SaaS customers from first visit to renewal, with numbers that drill down.",
    no_args_is_help=True,
    cls=Themes,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def project(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Option("--project", envvar="STAYCURVE_PROJECT", help="The project's directory."),
    ] = Path("."),
) -> None:
    """Every command works on one project directory."""
    context.obj = work_on(folder)


def group(
    name: str, about: str, *, within: typer.Typer | None = None, says_itself: bool = False
) -> typer.Typer:
    """Commands under one word, such as `staycurve usage funnel`.

    Parameters
    ----------
    within : Typer, optional
        The commands of another word that they stand under.
    says_itself : bool
        Whether the word alone is a command: its callback.
    """
    made = typer.Typer(
        help=about, no_args_is_help=not says_itself, invoke_without_command=says_itself,
        rich_markup_mode=None, cls=asking.Questions,
    )
    (within or app).add_typer(made, name=name)
    return made
