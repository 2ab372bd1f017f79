"""The command that compares with another tool: reconcile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staycurve.errors import UsageError
from staycurve.interfaces.cli.app import app
from staycurve.interfaces.cli.opening import fresh_company_of
from staycurve.interfaces.cli.options import AsOf, Output
from staycurve.interfaces.cli.output import (
    SHOWN,
    Format,
    number,
    print_data,
    print_table,
    say,
    say_rest,
)

if TYPE_CHECKING:
    from fractions import Fraction

    from staycurve.insights.books.figures import Cause, Explained
    from staycurve.insights.books.reconcile import Reconciliation
    from staycurve.insights.books.switches import Effect
    from staycurve.metrics.base import Unit
    from staycurve.period import AsOf as Seen
    from staycurve.workspace import Company


@app.command()
def reconcile(
    context: typer.Context,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="PROFILE", help="Another tool's rules, such as stripe."),
    ] = None,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="P", help="Default: the last month that has closed."),
    ] = None,
    metric: Annotated[str, typer.Option(help="A name from: staycurve metrics")] = "mrr",
    figures: Annotated[
        Path | None,
        typer.Option("--figures", metavar="FILE", help="CSV of theirs: month,metric,value."),
    ] = None,
    switches: Annotated[
        bool, typer.Option("--switches", help="What every convention would change.")
    ] = False,
    as_of: AsOf = None, output: Output = Format.table,
) -> None:
    """Where a number differs from another tool's, by rule and account."""
    if switches and (figures or against):
        raise UsageError(
            "--switches goes without --figures and --against.", hint="Ask for one at a time."
        )
    if figures and period:
        raise UsageError(
            "--figures goes without --period.", hint="The file names the month of each figure."
        )
    if not (switches or figures or against):
        raise UsageError(
            "Nothing to compare with.",
            hint="Add --against stripe, --figures FILE or --switches; "
            "profiles: staycurve, chartmogul, stripe, baremetrics, recurly, mrr-playbook",
        )
    with fresh_company_of(context) as company:
        if switches:
            _switches(company, period, as_of, output)
        elif figures:
            _figures(company, figures, against, as_of, output)
        elif against:
            found = company.reconcile(against, period=period, metric=metric, as_of=as_of)
            _against(found, company.config.profile, output)


def _against(found: Reconciliation, profile: str, output: Format) -> None:
    parts = ["numerator", "denominator"] if found.is_ratio else []
    columns = ["account_id", "rule", "difference", *parts]
    if print_data(found.as_dict(), output, columns=columns):
        return
    ours, theirs = f"ours ({profile})", found.against
    print_table(
        f"{found.metric} {found.period} against {theirs}, as of {found.as_of}, {found.currency}",
        [ours, theirs, "gap"],
        [[_shown(v, found.unit) for v in (found.ours, found.theirs, found.gap)]],
    )
    say(found.why)
    print_table(
        "By rule",
        ["rule", "ours", "theirs", "accounts", "difference"],
        [
            [s.rule, s.ours, s.theirs, str(s.accounts), _shown(s.difference, found.unit)]
            for s in found.steps
        ],
    )
    if found.rows:
        print_table(
            "By account",
            ["rule", "account", "difference", *parts],
            [
                [
                    row.rule, row.account_id or "(no account)", _shown(row.difference, found.unit),
                    *([f"{float(row.numerator):,.2f}", f"{float(row.denominator or 0):,.2f}"]
                      if parts else []),
                ]
                for row in found.rows[:SHOWN]
            ],
        )
    say_rest(found.rows)
    for rule, source in found.not_imitated.items():
        typer.echo(f"not imitated: {rule}. {source}")


def _answer(company: Company, seen: Seen, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"as_of": seen.at.isoformat(), "currency": company.config.company.currency, "rows": rows}


def _shown(value: Fraction | None, unit: Unit) -> str:
    return number(None if value is None else float(value), unit)


def _switches(company: Company, period: str | None, as_of: str | None, output: Format) -> None:
    from staycurve.insights.books.ledgers import closed_period
    from staycurve.insights.books.switches import HEADLINES, effects_of, summary
    from staycurve.metrics.query import Query

    seen = company.as_of(as_of)
    named = closed_period(period, seen, company.config.company.fiscal_year_start)
    with company.ledgers() as ledgers:
        effects = effects_of(ledgers, Query(HEADLINES, named.grain, (named,), seen))
    rows = [effect.as_dict() for effect in effects]
    columns = [name for name in rows[0] if name != "why"]
    if print_data(_answer(company, seen, rows), output, columns=columns):
        return
    lines = summary(effects)
    first = lines[0][3]
    print_table(
        f"Every switch alone, {effects[0].period}, {company.config.company.currency}",
        ["switch", "value", "meaning", *HEADLINES],
        [
            ["", "as it is", "", *(_effect(first[name], is_ours=True) for name in HEADLINES)],
            *(
                [switch, value, words, *(_effect(by_metric[name]) for name in HEADLINES)]
                for switch, value, words, by_metric in lines
            ),
        ],
    )
    typer.echo("=  stays as it is")


def _effect(effect: Effect, *, is_ours: bool = False) -> str:
    from staycurve.metrics.catalogue import METRICS

    unit = METRICS[effect.metric].unit
    if is_ours:
        return number(effect.ours, unit)
    return "=" if effect.with_it == effect.ours else number(effect.with_it, unit)


def _figures(
    company: Company, path: Path, against: str | None, as_of: str | None, output: Format
) -> None:
    from staycurve.insights.books.figures import explain, read_figures

    seen = company.as_of(as_of)
    given = read_figures(path, seen)
    with company.ledgers() as ledgers:
        found = explain(ledgers, given, seen, against)
    rows = [one.as_dict() for one in found]
    flat = [
        row | {"cause": _cause(one.cause), "remaining": (row["cause"] or {}).get("remaining")}
        for row, one in zip(rows, found, strict=True)
    ]
    if print_data(_answer(company, seen, rows), output, rows=flat):
        return
    print_table(
        f"{path.name} beside ours, {company.config.company.currency}",
        ["month", "metric", "ours", "theirs", "gap", "explained best by", "remaining"],
        [_line(one) for one in found],
    )
    agreeing = sum(one.agrees for one in found)
    explained = sum(one.is_explained and not one.agrees for one in found)
    typer.echo(
        f"{len(found)} figures: {agreeing} agree, {explained} are explained to the last digit, "
        f"{len(found) - agreeing - explained} are not."
    )


def _line(one: Explained) -> list[str]:
    from staycurve.metrics.catalogue import METRICS

    unit = METRICS[one.figure.metric].unit
    words = "agrees" if one.agrees else _cause(one.cause) or one.why or ""
    rest = "" if one.cause is None else _shown(one.cause.remaining, unit)
    return [
        str(one.figure.month.start)[:7], one.figure.metric, _shown(one.ours, unit),
        _shown(one.figure.value, unit), _shown(one.gap, unit), words, rest,
    ]


def _cause(cause: Cause | None) -> str:
    if cause is None:
        return ""
    if cause.kind == "switch":
        text = f"{cause.names[0]} = {cause.names[1]}"
    elif cause.kind == "profile":
        text = f"profile {cause.names[0]}"
    else:
        text = f"{cause.kind}: {', '.join(cause.names)}"
    if cause.as_near == 0:
        return text
    return f"{text} (or {cause.as_near} other{'s' if cause.as_near > 1 else ''} as near)"
