"""The page of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from docs.generating.markdown import made, table
from staycurve.interfaces.cli.app import app


def _parameter_row(parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        shown = f"`{parameter.metavar or parameter.name.upper()}`"
        if parameter.required:
            shown += "\\*"
    else:
        metavar = f" {parameter.metavar}" if parameter.metavar else ""
        shown = f"`{'`, `'.join(parameter.opts)}{metavar}`"
        if parameter.required:
            shown += "\\*"
    about = parameter.help or ""
    if parameter.envvar:
        about += f" Environment: `{parameter.envvar}`."
    default = parameter.default
    if default not in (None, False, ""):
        about += f" Default `{getattr(default, 'value', default)}`."
    return [shown, about.strip()]


def commands() -> Mapping[str, Any]:
    """Every command of the program, by name."""
    return _commands_in(typer.main.get_command(app), "")


def _commands_in(group: Any, before: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        is_group = hasattr(command, "list_commands")
        whole = f"{before}{name}"
        if not is_group or command.invoke_without_command:
            found[whole] = command
        if is_group:
            found |= _commands_in(command, f"{whole} ")
    return found


def cli_page() -> str:
    """Every command with its arguments and options."""
    group: Any = typer.main.get_command(app)
    parts = [
        "`staycurve [--project DIR] COMMAND …`. What is marked with * is required.",
        table(["for every command", ""], [_parameter_row(p) for p in group.params]),
        "Answers go to standard output, everything else to standard error. With `--format json` "
        "standard output is one object and nothing else.",
        table(["exit status", "means"], [
            ["0", "done; a load of which some rows were rejected is done too"],
            ["1", "an error that you can fix: one line says what, one line says how"],
            ["2", "wrong usage, or a load of which nothing could be loaded"],
        ]),
    ]
    for name, command in commands().items():
        parts += [f"## {name}", (command.help or "").strip()]
        rows = [_parameter_row(p) for p in command.params if p.name != "help"]
        if rows:
            parts.append(table(["argument or option", ""], rows))
    return made("Command line", *parts)
