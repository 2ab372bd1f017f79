"""Commands made from insights: `staycurve cohorts riskiest` from its declaration.

The catalogue of insights is imported only where a word is no command written by hand, or where
help is printed: `staycurve show` starts without it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from staycurve.errors import StaycurveError
from staycurve.interfaces.cli.options import option_of
from staycurve.interfaces.cli.output import Format

if TYPE_CHECKING:
    from staycurve.insights.base import Argument, Insight

CONTEXT, FORMAT = "context_", "format_"


class Questions(TyperGroup):
    """Commands under one word: those written by hand, and those of the insights of that theme."""

    @property
    def words(self) -> str:
        """What the names of its insights begin with."""
        return f"{self.name} "

    def list_commands(self, ctx: Any) -> list[str]:
        """Commands written by hand, then those of insights."""
        return list(dict.fromkeys([*super().list_commands(ctx), *_next_words(self.words)]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One written by hand, or else the insight's or the theme's of that name."""
        return super().get_command(ctx, cmd_name) or _made(self.words, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As usual; an unknown command is told with those of insights among its neighbours."""
        if args and self.get_command(ctx, args[0]) is None:
            # What is near is looked for among `commands` alone.
            for word in _next_words(self.words):
                if word not in self.commands:
                    self.commands[word] = self.get_command(ctx, word)
        return super().resolve_command(ctx, args)


def _next_words(before: str) -> list[str]:
    from staycurve.insights.catalogue import INSIGHTS

    names = [name.removeprefix(before) for name in INSIGHTS if name.startswith(before)]
    return list(dict.fromkeys(name.partition(" ")[0] for name in names))


def _made(before: str, word: str) -> Any:
    from staycurve.insights.catalogue import INSIGHTS, THEMES

    name = before + word
    if name in INSIGHTS:
        return command_of(INSIGHTS[name])
    if word not in _next_words(before):
        return None
    about = THEMES.get(name, f"Questions about {name}.")
    return Questions(name=name, help=about, no_args_is_help=True, rich_markup_mode=None)


def command_of(insight: Insight[Any, Any]) -> Any:
    """The command of an insight."""
    about = insight.question + (f"\n\n{insight.about}" if insight.about else "")
    info = CommandInfo(name=insight.word, callback=_callback(insight), help=about)
    return get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)


def _callback(insight: Insight[Any, Any]) -> Callable[..., None]:
    def run(**given: Any) -> None:
        from staycurve.interfaces.cli.answering import print_answer
        from staycurve.interfaces.cli.opening import company_of, fresh_company_of

        context, output = given.pop(CONTEXT), given.pop(FORMAT)
        try:
            arguments = _given(insight, given)
            opened = fresh_company_of if insight.needs else company_of
            with opened(context) as company:
                answer = insight.ask(company, **arguments)
        except StaycurveError as error:
            error.message = with_options(error.message, insight)
            error.hint = with_options(error.hint, insight)
            raise
        print_answer(answer, output)

    parameters = [
        _parameter(CONTEXT, typer.Context), *map(_asked, insight.arguments),
        _parameter(FORMAT, Format, typer.Option(Format.table, "--format",
                                                help="table, json or csv.")),
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _parameter(name: str, hint: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=hint, default=default
    )


def _asked(one: Argument) -> inspect.Parameter:
    """A parameter of an insight as Typer declares one."""
    default: Any = ... if one.is_required else _shown_default(one)
    hint: Any = list[one.type] if one.is_many else one.type  # type: ignore[name-defined]
    if default is None:
        hint = hint | None
    about = help_of(one)
    metavar = one.param.metavar or None
    if one.param.is_argument:
        found = typer.Argument(default, metavar=metavar, help=about)
    else:
        found = typer.Option(default, *_flags(one), metavar=metavar, help=about)
    return _parameter(one.name, hint, found)


def _shown_default(one: Argument) -> Any:
    return one.default if isinstance(one.default, one.type) and not one.is_many else None


def _flags(one: Argument) -> Sequence[str]:
    name = option_of(one)
    if one.type is not bool or one.default is False:
        return (name,)
    return (f"{name}/--no-{name[2:]}",)


def help_of(one: Argument) -> str:
    """What a parameter means, with what it takes."""
    parts = [one.param.about]
    if one.param.choices:
        parts.append(f"One of {', '.join(one.param.choices)}.")
    elif one.param.examples:
        parts.append(f"Such as {one.param.examples}.")
    if one.is_many:
        more = "Again for more." if one.param.has_commas else (
            "Several with commas, or again for more."
        )
        parts.append(more)
        if isinstance(one.default, tuple | list) and one.default:
            parts.append(f"Without it {', '.join(str(value) for value in one.default)}.")
    return " ".join(part for part in parts if part)


def _given(insight: Insight[Any, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What was said, checked before any table is read."""
    found = {}
    for one in insight.arguments:
        value = given.get(one.name)
        if value is None or (one.is_many and not value):
            continue
        if one.is_many:
            value = _several(one, value)
        one.check(value)
        found[one.name] = value
    return found


def _several(one: Argument, values: Sequence[Any]) -> tuple[Any, ...]:
    if one.type is not str or one.param.is_argument or one.param.has_commas:
        return tuple(values)
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def with_options(text: str, insight: Insight[Any, Any]) -> str:
    """A message in which parameters are called as the command line calls them."""
    for one in insight.arguments:
        for name in {one.name, one.outward}:
            text = text.replace(f"'{name}'", f"'{option_of(one)}'")
            if "_" in name:
                text = re.sub(rf"(?<![\w-]){name}(?![\w-])", option_of(one), text)
    return text
