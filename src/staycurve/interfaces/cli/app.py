"""The commands, in the order in which a newcomer meets them."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from staycurve.errors import ProjectError

if TYPE_CHECKING:
    from staycurve.workspace import Company

app = typer.Typer(
    name="staycurve",
    help="Follow SaaS customers from first visit to renewal, with numbers that open to their rows.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def clock() -> dt.datetime:
    """The time now; no layer below the interfaces reads it."""
    return dt.datetime.now(dt.UTC)


@app.callback()
def project(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Option("--project", envvar="STAYCURVE_PROJECT", help="The project's directory."),
    ] = Path("."),
) -> None:
    """Every command works on one project directory."""
    context.obj = folder


def folder_of(context: typer.Context) -> Path:
    """The project directory that the command line names."""
    found = context.obj
    assert isinstance(found, Path)
    return found


def company_of(context: typer.Context) -> Company:
    """The company in the project directory."""
    from staycurve.workspace import Company

    folder = folder_of(context)
    if not folder.is_dir():
        raise ProjectError(
            f"{folder} is not a directory.", hint="Make a project: staycurve --project DIR init"
        )
    return Company(folder, clock=clock)


def fresh_company_of(context: typer.Context) -> Company:
    """The company with its derived tables up to date."""
    company = company_of(context)
    if company.is_due():
        typer.echo("Refreshing …", err=True)
        company.refresh()
    return company


@contextmanager
def known_company_of(context: typer.Context, known_at: str | None) -> Iterator[Company]:
    """The company as `--known-at` asks for it: now, or as readers saw it at an instant."""
    with fresh_company_of(context) as company:
        yield company.known_at(known_at) if known_at else company


def group(name: str, about: str) -> typer.Typer:
    """Commands under one word, such as `staycurve usage funnel`."""
    made = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(made, name=name)
    return made


# Commands live in files by theme; importing them adds them to the app, in this order.
for _theme in (
    "data", "books", "answers", "cohorts", "lifecycle", "acquisition", "features", "onboarding",
    "trials", "usage", "comparing", "views", "annotations", "running",
):
    importlib.import_module(f"staycurve.interfaces.cli.{_theme}")
