"""Commands for surveys: create, list, invite, answers, suppress and what belongs to them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from staycurve.errors import UsageError, system_error
from staycurve.interfaces import sheets
from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of, fresh_company_of
from staycurve.interfaces.cli.options import Output, Where
from staycurve.interfaces.cli.output import (
    SHOWN,
    Format,
    percent,
    print_data,
    print_table,
    say_rest,
)
from staycurve.interfaces.cli.views import By, user

if TYPE_CHECKING:
    from staycurve.workspace.survey_asking import Invited
    from staycurve.workspace.survey_sending import Sent

surveys = group("surveys", "Ask customers: NPS, CSAT, CES, open questions.")

Named = Annotated[str, typer.Argument(metavar="NAME", help="Its name in: staycurve surveys list.")]
_LINKS = ("survey", "user_id", "account_id", "email", "name", "link", "expires_at")


@surveys.command()
def create(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A TOML file, or a ready survey: nps, csat-support, ces, open, profile, ….",
        ),
    ],
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Create a survey, or a new version of one: links that are out keep the old version."""
    from staycurve.actions.surveys import definition, triggers

    with company_of(context) as company:
        made, is_new = company.surveys.create(file, by=by or user())
    row = {"name": made.name, "kind": made.kind, "version": made.version, "is_changed": is_new}
    if print_data({"rows": [row]}, output):
        return
    if not is_new:
        typer.echo(f"{made.name} asks this already, as version {made.version}.")
    else:
        typer.echo(f"Created {made.name} ({made.kind}), version {made.version}.")
        what = definition.of(made.body)
        if what.trigger is not None:
            said = triggers.AFTER[what.trigger.after]
            typer.echo(f"It asks after this, where staycurve serves and [mail] is set: {said}.")
        typer.echo(f"To see who may be asked: staycurve surveys invite {made.name}")


@surveys.command("list")
def listed(context: typer.Context, output: Output = Format.table) -> None:
    """Every survey, with its response rate."""
    with company_of(context) as company:
        rows = [one.as_dict() for one in company.surveys.listed()]
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo("No survey yet: staycurve surveys create nps")
        return
    print_table(
        "Surveys",
        ["name", "kind", "version", "asked", "answered", "response rate", "waiting", "status"],
        [[row["name"], row["kind"], str(row["version"]), str(row["asked"]), str(row["answered"]),
          percent(row["response_rate"]), str(row["waiting"]),
          "active" if row["is_active"] else "paused"] for row in rows],
    )


@surveys.command()
def templates(
    name: Annotated[str, typer.Argument(help="Print this one, to change it.")] = "",
) -> None:
    """The surveys that come with staycurve, or one of them as TOML."""
    from staycurve.actions.surveys import definition

    if name:
        typer.echo(definition.template(name), nl=False)
        return
    found = [definition.parse(text, file=one) for one, text in definition.templates().items()]
    print_table(
        "Surveys that come with staycurve", ["name", "kind", "question"],
        [[one.name, one.kind, one.question] for one in found],
    )


@surveys.command()
def invite(
    context: typer.Context,
    name: Named,
    where: Where = "",
    file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write a link for each person to this file."),
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send the links by e-mail.")] = False,
    at_once: Annotated[
        bool, typer.Option("--now", help="With --send: send outside working hours too.")
    ] = False,
    output: Output = Format.table,
) -> None:
    """Ask people. Without --csv or --send: show who may be asked, and why others may not."""
    if file is not None and send:
        raise UsageError("--csv and --send are two ways to ask.", hint="Choose one of them.")
    if at_once and not send:
        raise UsageError("--now sends nothing by itself.", hint="Write: --send --now")
    from staycurve.mail_settings import MAIL
    from staycurve.workspace.posting import MOST

    sent: Sent | None = None
    with fresh_company_of(context) as company:
        found = company.surveys.get(name)
        if file is not None:
            _check_writable(file)
            invited = company.surveys.asking.export(found, where)
            _write(file, name, invited)
        elif send:
            invited = company.surveys.asking.mail(found, where, is_at_once=at_once)
            sent = company.surveys.sending.send(
                most=MOST if at_once else company.config[MAIL].per_minute, is_at_once=at_once
            )
        else:
            invited = company.surveys.asking.look(found, where)
        company.surveys.desk.drain_and_refresh()
    if not print_data({"rows": [one.as_dict() for one in invited]}, output):
        _say(name, invited, file)
    if sent is not None:
        _say_sent(sent)


def _check_writable(file: Path) -> None:
    """Fail before anybody counts as asked whose link would be nowhere."""
    try:
        with file.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise system_error(error) or error from error


def _write(file: Path, survey: str, invited: Sequence[Invited]) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, _LINKS, lineterminator="\n")
        writer.writeheader()
        for one in invited:
            if one.link:
                row: dict[str, Any] = {"survey": survey, **one.as_dict()}
                writer.writerow({key: sheets.cell(row[key]) for key in _LINKS})


def _say(name: str, invited: Sequence[Invited], file: Path | None) -> None:
    from staycurve.actions.surveys.gates import REASONS

    counts = Counter(one.status for one in invited)
    if file is not None:
        typer.echo(
            f"{name}: {counts['invited']} invited, {counts['again']} whose link is out already; "
            f"their links are in {file}."
        )
    elif counts["may"] or not counts["planned"]:
        typer.echo(f"{name}: {counts['may']} may be asked now.")
        if counts["may"]:
            typer.echo(f"To ask them: staycurve surveys invite {name} --send   (or --csv FILE)")
    else:
        typer.echo(f"{name}: {counts['planned']} invited by mail.")
    why = Counter(one.why for one in invited if one.why)
    for reason, count in sorted(why.items(), key=lambda one: (-one[1], one[0])):
        typer.echo(f"  {count} not asked: {REASONS[reason]}")


def _say_sent(sent: Sent) -> None:
    """What became of mails: on standard error, for JSON on standard output is one object."""
    counts = {
        "sent": sent.sent, "refused by the mail server": sent.refused,
        "put off by the mail server": sent.later, "may have arrived": sent.unsure,
        "not wanted any more": sent.dropped,
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count or what == "sent")
    typer.echo(f"Mails: {told}.", err=True)
    if sent.fault:
        typer.echo(sent.fault, err=True)
        typer.echo(sent.hint, err=True)
    if sent.next_at is not None:
        typer.echo(
            f"The next one that waits is due at {sent.next_at:%Y-%m-%d %H:%M} UTC: mails go out in "
            "people's working hours, by staycurve serve or staycurve surveys send.", err=True,
        )


@surveys.command()
def send(
    context: typer.Context,
    at_once: Annotated[
        bool, typer.Option("--now", help="Outside working hours too.")
    ] = False,
) -> None:
    """Send the mails that are due; a server that runs does this by itself."""
    with company_of(context) as company:
        sent = company.surveys.sending.send(is_at_once=at_once)
        company.surveys.desk.drain_and_refresh()
    _say_sent(sent)
    if sent.fault:
        raise typer.Exit(1)


@surveys.command()
def answers(context: typer.Context, name: Named, output: Output = Format.table) -> None:
    """What a survey was answered, the newest first."""
    with company_of(context) as company:
        rows = company.surveys.answers(name)
        company.surveys.desk.drain_and_refresh()
    columns = ["survey", "version", "user_id", "account_id", "score", "comment", "asked_at",
               "answered_at", "is_finished", "question"]
    further = sorted(
        {key for row in rows for key in row} - set(columns), key=lambda key: (len(key), key)
    )
    if print_data({"rows": rows}, output, columns=[*columns, *further]):
        return
    if not rows:
        typer.echo(f"No answer yet. To ask: staycurve surveys invite {name}")
        return
    print_table(
        f"Answers to {name}", ["answered at", "user", "account", "score", "comment"],
        [[row["answered_at"], row["user_id"], row["account_id"] or "",
          "" if row["score"] is None else str(row["score"]), row["comment"] or ""]
         for row in rows[:SHOWN]],
    )
    say_rest(rows)


@surveys.command()
def suppress(
    context: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The address.")],
    remove: Annotated[bool, typer.Option("--remove", help="Write to it again.")] = False,
    by: By = "",
    output: Output = Format.table,
) -> None:
    """Write to an address no more."""
    with company_of(context) as company:
        if remove:
            is_new = company.surveys.release(email, by=by or user())
        else:
            is_new = company.surveys.suppress(email, by=by or user())
    row = {"email": email.strip().lower(), "is_suppressed": not remove, "is_changed": is_new}
    if print_data({"rows": [row]}, output):
        return
    if remove:
        typer.echo(f"{row['email']} may be asked again." if is_new
                   else f"{row['email']} was not suppressed.")
    else:
        typer.echo(f"{row['email']} is not written to any more." if is_new
                   else f"{row['email']} was suppressed already.")


@surveys.command()
def suppressed(context: typer.Context, output: Output = Format.table) -> None:
    """Every address that is not written to, and why."""
    with company_of(context) as company:
        rows = [one.as_dict() for one in company.surveys.suppressions()]
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo("No address is suppressed.")
        return
    print_table(
        "Suppressed addresses", ["address", "reason", "since"],
        [[row["email"], row["reason"], row["created_at"]] for row in rows],
    )


@surveys.command()
def bounces(
    context: typer.Context,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Messages, mboxes, or folders of them.")
    ],
    output: Output = Format.table,
) -> None:
    """Read mails that came back and automatic replies: who bounced is written to no more."""
    files = [
        file for path in paths
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path]) if not file.is_dir()
    ]
    found: Counter[str] = Counter()
    with company_of(context) as company:
        for file in files:
            try:
                content = file.read_bytes()
            except OSError as error:
                raise system_error(error) or error from error
            found += company.surveys.hear(content)
    kinds = ("bounced", "delayed", "away", "other")
    if not print_data({"rows": [{kind: found[kind] for kind in kinds}]}, output):
        typer.echo(
            f"{found['bounced']} bounced, {found['delayed']} delayed, {found['away']} away, "
            f"{found['other']} say nothing of ours."
        )


@surveys.command()
def pause(context: typer.Context, name: Named, by: By = "") -> None:
    """Let a survey ask nobody; links that are out still take answers."""
    with company_of(context) as company:
        company.surveys.set_active(name, is_active=False, by=by or user())
    typer.echo(f"Paused {name}.")


@surveys.command()
def resume(context: typer.Context, name: Named, by: By = "") -> None:
    """Let a paused survey ask again."""
    with company_of(context) as company:
        company.surveys.set_active(name, is_active=True, by=by or user())
    typer.echo(f"{name} may ask again.")
