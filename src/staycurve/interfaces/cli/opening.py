"""The company that a command works on: opened from its directory, and brought up to date."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from staycurve.errors import DamagedError, ProjectError, StaycurveError

if TYPE_CHECKING:
    from staycurve.workspace import Company

_folder: Path | None = None
_next_load: int | None = None


def current_folder() -> Path | None:
    """The project directory of the command that runs, once it is known."""
    return _folder


def recompute(error: DamagedError) -> bool:
    """Compute a damaged table again; whether the command may be run once more after that."""
    from staycurve.tables.damage import COMPUTED_AGAIN, RECOMPUTED
    from staycurve.workspace import Company

    if _folder is None or error.table not in RECOMPUTED:
        return False
    typer.echo(COMPUTED_AGAIN % error.message, err=True)
    with Company(_folder, clock=clock) as company:
        company.refresh(is_full=True)
        # What was loaded or taken back is not to be so twice.
        return company.lake.pointer.next_load() == _next_load


def clock() -> dt.datetime:
    """The time now; no layer below the interfaces reads it."""
    return dt.datetime.now(dt.UTC)


def work_on(folder: Path) -> Path:
    """Remember the project directory of the command that runs."""
    global _folder
    _folder = folder
    return folder


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
    company = Company(folder, clock=clock)
    global _next_load
    with contextlib.suppress(StaycurveError):
        _next_load = company.lake.pointer.next_load()
    return company


def fresh_company_of(context: typer.Context) -> Company:
    """The company with its derived tables up to date."""
    company = company_of(context)
    if company.is_due():
        typer.echo("Refreshing …", err=True)
        company.refresh()
    return company
