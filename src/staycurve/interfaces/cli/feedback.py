"""Commands that change the codebook: accept, rename, merge, split, drop, pin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from staycurve.errors import UsageError
from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import Format, print_data
from staycurve.interfaces.cli.views import By, user

if TYPE_CHECKING:
    from staycurve.insights.voice.codebook import CodebookChange

feedback = group(
    "feedback", "What customers write: themes, comments, and the codebook that tells them."
)

Theme = Annotated[str, typer.Argument(metavar="THEME", help="Its id or name.")]
Stems = Annotated[
    list[str],
    typer.Option("--stems", metavar="'LANG: WORD, …'",
                 help="Words of one language (en, de, fr, es, ko); repeatable."),
]
Seen = Annotated[
    int | None,
    typer.Option("--seen", metavar="VERSION",
                 help="The codebook's version that you have looked at: if another person has "
                      "changed it since, nothing is changed."),
]


def stems_of(texts: list[str]) -> dict[str, list[str]]:
    """Words by language, from 'en: refund, money back'.

    Raises
    ------
    UsageError
        If a text names no language.
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        language, colon, words = text.partition(":")
        if not colon:
            raise UsageError(
                f"'{text}' names no language.", hint="Write: --stems 'en: refund, money back'"
            )
        found.setdefault(language.strip(), []).extend(
            word.strip() for word in words.split(",") if word.strip()
        )
    return found


@feedback.command()
def accept(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call the theme.")] = "",
    stems: Stems = [],  # noqa: B006
    suggestion: Annotated[
        int, typer.Option("--suggestion", metavar="N",
                          help="Its number in: staycurve feedback suggestions.")
    ] = 0,
    into: Annotated[
        str, typer.Option("--into", metavar="THEME", help="Add the words to this theme instead.")
    ] = "",
    seen: Seen = None,
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Add a theme, or words to a theme: of your own, or of a suggestion."""
    if bool(name) == bool(into):
        raise UsageError(
            "Name a theme to add, or --into a theme that there is.",
            hint="Such as: staycurve feedback accept 'Dark mode' --stems 'en: dark mode'",
        )
    with company_of(context) as company:
        words = stems_of(stems)
        if suggestion:
            for language, own in company.voice.suggested_stems(suggestion).items():
                words[language] = [*own, *words.get(language, [])]
        if into:
            made = company.voice.extend(into, words, seen=seen, by=by or user())
        else:
            made = company.voice.accept(name, words, seen=seen, by=by or user())
    _print(made, output)


@feedback.command()
def rename(
    context: typer.Context, theme: Theme,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")],
    seen: Seen = None, by: By = "", output: Output = Format.table,
) -> None:
    """Give a theme another name."""
    with company_of(context) as company:
        made = company.voice.rename(theme, name, seen=seen, by=by or user())
    _print(made, output)


@feedback.command()
def merge(
    context: typer.Context, theme: Theme,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The theme that takes it in.")],
    seen: Seen = None, by: By = "", output: Output = Format.table,
) -> None:
    """Let one theme become a part of another."""
    with company_of(context) as company:
        made = company.voice.merge(theme, into, seen=seen, by=by or user())
    _print(made, output)


@feedback.command()
def split(
    context: typer.Context, theme: Theme,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new theme.")],
    stems: Stems = [],  # noqa: B006
    seen: Seen = None, by: By = "", output: Output = Format.table,
) -> None:
    """Move some words of a theme to a new one."""
    with company_of(context) as company:
        made = company.voice.split(theme, name, stems_of(stems), seen=seen, by=by or user())
    _print(made, output)


@feedback.command()
def drop(
    context: typer.Context, theme: Theme, seen: Seen = None, by: By = "",
    output: Output = Format.table,
) -> None:
    """Remove a theme; its comments fit none, or another."""
    with company_of(context) as company:
        made = company.voice.drop(theme, seen=seen, by=by or user())
    _print(made, output)


@feedback.command()
def pin(
    context: typer.Context,
    comment: Annotated[
        str, typer.Argument(metavar="COMMENT", help="comment_id in: staycurve feedback comments.")
    ],
    theme: Annotated[
        str, typer.Argument(metavar="[THEME]", help="Where it belongs; without it, to none.")
    ] = "",
    release: Annotated[
        bool, typer.Option("--release", help="Let its own words say again where it belongs.")
    ] = False,
    seen: Seen = None, by: By = "", output: Output = Format.table,
) -> None:
    """Say which theme a comment belongs to."""
    with company_of(context) as company:
        if release:
            made = company.voice.unpin(comment, seen=seen, by=by or user())
        else:
            made = company.voice.pin(comment, theme, seen=seen, by=by or user())
    _print(made, output)


def _print(made: CodebookChange, output: Format) -> None:
    if not print_data({"rows": [made.as_dict()]}, output):
        typer.echo(f"The codebook is at version {made.version}: {made.what} {made.theme}".rstrip())
