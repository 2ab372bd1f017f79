"""Commands of work: playbooks, alerts, tasks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from staycurve.interfaces.cli.app import group
from staycurve.interfaces.cli.opening import company_of, fresh_company_of
from staycurve.interfaces.cli.options import Output
from staycurve.interfaces.cli.output import (
    SHOWN,
    Format,
    count,
    money,
    percent,
    print_data,
    print_table,
    say,
    say_rest,
)
from staycurve.interfaces.cli.views import user

playbooks = group("playbooks", "Rules that open alerts, and what is then to be done.")
alerts = group("alerts", "What playbooks have found, and who deals with it.")
tasks = group("tasks", "What is to be done, by whom and when.")
channels = group("channels", "Messages and webhooks on their way out.")

Number = Annotated[int, typer.Argument(metavar="ID", help="Its number in the list.")]
Who = Annotated[str, typer.Option("--by", metavar="WHO", help="Who does it. Default: you.")]
Seen = Annotated[
    int | None,
    typer.Option("--version", metavar="N", help="Its version as you read it: a later one is kept."),
]
Name = Annotated[str, typer.Argument(metavar="[NAME]", help="One playbook alone.")]


@playbooks.command("list")
def listed(context: typer.Context, output: Output = Format.table) -> None:
    """Every playbook, shipped and own, with its rule."""
    with fresh_company_of(context) as company:
        read = company.work.playbooks()
    rows = [one.as_dict() for one in read.playbooks]
    for fault in read.faults:
        typer.echo(f"{fault.message} {fault.hint}", err=True)
    if print_data({"rows": rows}, output):
        return
    print_table(
        "Playbooks", ["playbook", "type", "on", "rule"],
        [[one["playbook"], one["type"], "yes" if one["is_on"] else "no", one["rule"]]
         for one in rows],
    )


@playbooks.command()
def facts(context: typer.Context, output: Output = Format.table) -> None:
    """Every fact that a rule can compare."""
    with company_of(context) as company:
        rows = company.work.facts()
    if not print_data({"rows": rows}, output):
        print_table("Facts", ["fact", "kind", "about"],
                    [[one["fact"], one["kind"], one["about"]] for one in rows])


@playbooks.command()
def check(context: typer.Context, output: Output = Format.table) -> None:
    """Whether every playbook can be followed, and for how many accounts its rule holds."""
    from staycurve.actions.playbooks.finding import refusal

    with fresh_company_of(context) as company:
        company.goals.check()
        found = company.work.check()
    if not print_data(found.as_dict(), output):
        print_table(
            "Playbooks", ["playbook", "accounts", "share", "why"],
            [[str(one["playbook"]), count(one["matched"]), percent(one["share"]),
              one["refused"] or one["why"] or ""] for one in found.rows],
        )
    if found.refused:
        raise refusal(found.refused[0])


@playbooks.command()
def run(
    context: typer.Context,
    only: Name = "",
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="INSTANT", help="Ignore data after this time.")
    ] = None,
    dry: Annotated[
        bool,
        typer.Option("--dry-run", help="Keep nothing; say what the last 12 months would have been.")
    ] = False,
    confirm: Annotated[
        list[str] | None,
        typer.Option("--confirm", metavar="NAME", help="A playbook that may alert over 40%; "
                                                       "repeatable.")
    ] = None,
    output: Output = Format.table,
) -> None:
    """Open alerts for the accounts that have come into a rule since the last run."""
    from staycurve.actions.playbooks.finding import refusal

    with fresh_company_of(context) as company:
        work = company.work
        found = (
            work.dry_run(as_of=as_of, only=only) if dry
            else work.run(as_of=as_of, only=only, confirm=confirm or ())
        )
    if not print_data(found.as_dict(), output):
        _print_run(found.rows, is_dry=dry)
    if found.refused:
        raise refusal(found.refused[0])


def _print_run(rows: Any, *, is_dry: bool) -> None:
    if is_dry:
        print_table(
            "Dry run: nothing is kept",
            ["playbook", "would open", "opened in 12 months", "precision", "base rate", "why"],
            [[one["playbook"], count(one["would_open"]), count(one["history"]["opened"]),
              percent(one["history"]["precision"]), percent(one["history"]["base_rate"]),
              one["refused"] or one["why"] or one["history"]["why"] or ""] for one in rows],
        )
        return
    print_table(
        "Playbooks", ["playbook", "matched", "opened", "merged", "waiting", "closed", "why"],
        [[one["playbook"], count(one["matched"]), count(one["opened"]), count(one["merged"]),
          count(one["waiting"]), count(one["closed"]), one["refused"] or one["why"] or ""]
         for one in rows],
    )


@playbooks.command()
def record(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    output: Output = Format.table,
) -> None:
    """What became of a playbook's alerts."""
    with fresh_company_of(context) as company:
        found = company.work.record(name)
    if print_data({"rows": [found]}, output):
        return
    print_table(name, ["opened", "open", "resolved", "days to act (median)"],
                [[count(found["opened"]), count(found["open"]), count(found["resolved"]),
                  money(found["median_days_to_act"])]])
    say(*(f"{one['reason']}: {one['alerts']}" for one in found["reasons"]))
    say(*(f"Proposed for retirement: {one['says']}." for one in found["retire"]))


@playbooks.command()
def owners(context: typer.Context, output: Output = Format.table) -> None:
    """Who looks after how many accounts, and why."""
    with fresh_company_of(context) as company:
        rows = company.work.owners()
    if not print_data({"rows": rows}, output):
        print_table("Ownership", ["owner", "why", "accounts", "paying", "MRR"],
                    [[one["owner"], one["why"], count(one["accounts"]), count(one["paying"]),
                      money(one["mrr"])] for one in rows])


@alerts.command("list")
def alerts_listed(
    context: typer.Context,
    owner: Annotated[str, typer.Option("--owner", metavar="WHO")] = "",
    kind: Annotated[
        str, typer.Option("--type", help="risk, lifecycle, growth, goal or activity.")
    ] = "",
    status: Annotated[
        str, typer.Option("--status", help="open, waiting, snoozed or resolved.")
    ] = "",
    account: Annotated[str, typer.Option("--account", metavar="ACCOUNT")] = "",
    every: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    output: Output = Format.table,
) -> None:
    """Alerts, those first of which the most can be kept."""
    with company_of(context) as company:
        rows = company.work.alerts(owner=owner, kind=kind, status=status, account=account,
                                   has_resolved=every)
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo("No alerts. Look for some: staycurve playbooks run")
        return
    print_table(
        "Alerts", ["id", "account", "type", "playbook", "status", "owner", "due", "MRR"],
        [[str(one["id"]), one["name"] or one["account_id"], one["type"], one["playbook"],
          one["status"], one["owner"], one["due_on"], money(one["mrr"])] for one in rows[:SHOWN]],
    )
    say_rest(rows)


@alerts.command()
def show(context: typer.Context, alert: Number, output: Output = Format.table) -> None:
    """One alert with its evidence, tasks and history."""
    with company_of(context) as company:
        found = company.work.alert(alert)
    if print_data({"rows": [found]}, output):
        return
    print_table(
        f"Alert {alert}: {found['name'] or found['account_id']}",
        ["type", "status", "owner", "due", "reasons"],
        [[found["type"], found["status"], found["owner"], found["due_on"],
          ", ".join(found["reasons"])]],
    )
    for proof in found["evidence"]:
        say(f"{proof['playbook']} on {proof['on']}: "
            + ", ".join(f"{name} {value}" for name, value in proof["facts"].items()))
    say(*(f"{one['due_on']} {one['title']} ({one['status']})" for one in found["tasks"]))
    say(*(f"{one['at']} {one['what']} {one['who']}" for one in found["history"]))


@alerts.command()
def resolve(
    context: typer.Context, alert: Number,
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="One of its reasons.")],
    by: Who = "",
    note: Annotated[str, typer.Option("--note", help="What was done.")] = "",
    version: Seen = None,
    output: Output = Format.table,
) -> None:
    """End an alert for one of its reasons."""
    with company_of(context) as company:
        found = company.work.resolve(alert, reason=reason, by=by or user(), note=note,
                                     version=version)
    if not print_data({"rows": [found]}, output):
        typer.echo(f"Resolved alert {alert}: {reason}")


@alerts.command()
def snooze(
    context: typer.Context, alert: Number,
    until: Annotated[str, typer.Option("--until", metavar="DAY", help="As 2026-06-30.")],
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why.")],
    by: Who = "",
    version: Seen = None,
    output: Output = Format.table,
) -> None:
    """Put an alert off until a day; none of its type opens for the account meanwhile."""
    with company_of(context) as company:
        found = company.work.snooze(alert, until=until, reason=reason, by=by or user(),
                                    version=version)
    if not print_data({"rows": [found]}, output):
        typer.echo(f"Snoozed alert {alert} until {until}.")


@alerts.command()
def assign(
    context: typer.Context, alert: Number,
    owner: Annotated[str, typer.Option("--owner", metavar="WHO", help="Who takes it over.")],
    by: Who = "",
    version: Seen = None,
    output: Output = Format.table,
) -> None:
    """Give an alert and its open tasks to another."""
    with company_of(context) as company:
        found = company.work.assign(alert, owner=owner, by=by or user(), version=version)
    if not print_data({"rows": [found]}, output):
        typer.echo(f"Alert {alert} is {owner}'s.")


@alerts.command()
def ticket(
    context: typer.Context, alert: Number,
    desk: Annotated[
        str, typer.Option("--desk", metavar="NAME", help="Of [tickets] in staycurve.toml.")
    ],
    by: Who = "",
    output: Output = Format.table,
) -> None:
    """Ask a help desk for the ticket of an alert, once; it is sent with what else is due."""
    with company_of(context) as company:
        found = company.work.hand_over(alert, desk=desk, by=by or user())
    if not print_data({"rows": [found]}, output):
        typer.echo(f"Asked {desk} for a ticket of alert {alert}." if found["is_new"]
                   else f"Alert {alert} has a ticket at {desk} already.")


@alerts.command("tickets")
def alert_tickets(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Those that are solved too.")] = False,
    output: Output = Format.table,
) -> None:
    """The tickets of alerts at help desks."""
    with company_of(context) as company:
        rows = company.work.tickets(has_solved=every)
    if print_data({"rows": rows}, output):
        return
    if not rows:
        typer.echo("No alert has an open ticket.")
        return
    print_table("Tickets", ["alert", "desk", "reference", "state", "asked"],
                [[str(one["alert_id"]), one["desk"], one["reference"] or "", one["state"],
                  one["asked_at"][:16]] for one in rows[:SHOWN]])
    say_rest(rows)


@tasks.command("list")
def tasks_listed(
    context: typer.Context,
    owner: Annotated[str, typer.Option("--owner", metavar="WHO")] = "",
    account: Annotated[str, typer.Option("--account", metavar="ACCOUNT")] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Those that are done or dropped too.")
    ] = False,
    output: Output = Format.table,
) -> None:
    """Tasks, by the day on which they are due."""
    with company_of(context) as company:
        rows = company.work.tasks(owner=owner, account=account, has_done=every)
    # A message has many lines: a sheet does without, JSON has it.
    columns = [name for name in rows[0] if name != "message"] if rows else None
    if print_data({"rows": rows}, output, columns=columns):
        return
    if not rows:
        typer.echo("No open tasks.")
        return
    print_table("Tasks", ["id", "due", "account", "task", "owner", "status"],
                [[str(one["id"]), one["due_on"], one["account_id"], one["title"], one["owner"],
                  one["status"]] for one in rows[:SHOWN]])
    say_rest(rows)


@tasks.command()
def done(
    context: typer.Context, task: Number, by: Who = "",
    note: Annotated[str, typer.Option("--note", help="What came of it.")] = "",
    version: Seen = None,
    output: Output = Format.table,
) -> None:
    """Say that a task is done."""
    with company_of(context) as company:
        found = company.work.complete(task, by=by or user(), note=note, version=version)
    if not print_data({"rows": [found]}, output):
        typer.echo(f"Done: {found['title']}")


@channels.command()
def log(context: typer.Context, output: Output = Format.table) -> None:
    """The last messages, and what became of them."""
    with company_of(context) as company:
        rows = company.work.messages()
    if not print_data({"rows": rows}, output):
        print_table("Messages", ["id", "channel", "kind", "status", "tries", "error"],
                    [[str(one["id"]), one["channel"], one["kind"], one["status"],
                      str(one["tries"]), one["error"] or ""] for one in rows])


@channels.command()
def send(context: typer.Context, output: Output = Format.table) -> None:
    """Send what is due; a server does it by itself."""
    with company_of(context) as company:
        found = company.work.send()
    if not print_data({"rows": [found]}, output):
        typer.echo(f"Sent {found['sent']}, failed {found['failed']}.")


@channels.command()
def replay(context: typer.Context, message: Number, output: Output = Format.table) -> None:
    """Send a message again, under the same key."""
    with company_of(context) as company:
        found = company.work.replay(message)
    if not print_data({"rows": [found]}, output):
        typer.echo(f"Message {message} waits to be sent again.")
