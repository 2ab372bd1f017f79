"""/api/v1/alerts, tasks, playbooks and audiences: what is found, and what is done about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from staycurve.interfaces.api import work_shapes as shapes
from staycurve.interfaces.api.changes import changing_router_of
from staycurve.interfaces.api.routes import Served

router = changing_router_of("work")
MOST = 1_000_000


class _Body(BaseModel):
    # A misspelt field would change nothing: it is an error.
    model_config = ConfigDict(extra="forbid")


class Resolution(_Body):
    """How an alert ended."""

    reason: str = Field(description="One of the alert's reasons")
    by: str = Field(description="Who resolves it")
    note: str = ""
    version: int | None = Field(None, description="As it was read: a later one is kept")


class Snooze(_Body):
    """Until when an alert is put off."""

    until: str = Field(description="2026-06-30")
    reason: str
    by: str
    version: int | None = None


class Completion(_Body):
    """That a task is done."""

    by: str
    note: str = ""
    version: int | None = None


class Handing(_Body):
    """Which help desk gets a ticket."""

    desk: str = Field(description="Of [tickets] in staycurve.toml")
    by: str


class Milestone(_Body):
    """A dated step of a success plan."""

    title: str
    due_on: str = Field(description="2026-06-30")
    owner: str = Field(description="Who answers for it")
    by: str = Field("", description="Who adds it")


class Said(_Body):
    """Who says so."""

    by: str


@router.get("/alerts", response_model=shapes.AlertsShape)
def alerts(
    company: Served, owner: str = "",
    kind: Annotated[str, Query(alias="type", description="risk, lifecycle, growth, …")] = "",
    status: str = "", account: str = "",
    every: Annotated[bool, Query(alias="all", description="Resolved ones too")] = False,
    limit: Annotated[int | None, Query(ge=1, le=MOST, description="So many at most; all "
                                       "without it")] = None,
    offset: Annotated[int, Query(ge=0, le=MOST, description="With limit: leave out so many")] = 0,
) -> JSONResponse:
    """Alerts, those first of which the most can be kept."""
    rows = company.work.alerts(owner=owner, kind=kind, status=status, account=account,
                               has_resolved=every, most=limit, offset=offset)
    return JSONResponse({"rows": rows})


@router.get("/alerts/{alert}", response_model=shapes.WholeAlertShape)
def alert(company: Served, alert: int) -> JSONResponse:
    """One alert with its evidence, tasks and history."""
    return JSONResponse(company.work.alert(alert))


@router.post("/alerts/{alert}/resolve", response_model=shapes.AlertShape)
def resolve(company: Served, alert: int, sent: Resolution) -> JSONResponse:
    """End an alert for one of its reasons."""
    return JSONResponse(company.work.resolve(
        alert, reason=sent.reason, by=sent.by, note=sent.note, version=sent.version
    ))


@router.post("/alerts/{alert}/snooze", response_model=shapes.AlertShape)
def snooze(company: Served, alert: int, sent: Snooze) -> JSONResponse:
    """Put an alert off until a day."""
    return JSONResponse(company.work.snooze(
        alert, until=sent.until, reason=sent.reason, by=sent.by, version=sent.version
    ))


@router.post("/alerts/{alert}/ticket", response_model=shapes.AskedTicketShape)
def hand_over(company: Served, alert: int, sent: Handing) -> JSONResponse:
    """Ask a help desk for the ticket of an alert, once."""
    return JSONResponse(company.work.hand_over(alert, desk=sent.desk, by=sent.by))


@router.get("/alert-tickets", response_model=shapes.TicketsShape)
def tickets(
    company: Served,
    every: Annotated[bool, Query(alias="all", description="Those that are solved too")] = False,
) -> JSONResponse:
    """The tickets of alerts at help desks, newest first."""
    return JSONResponse({"rows": company.work.tickets(has_solved=every)})


@router.get("/tasks", response_model=shapes.TasksShape)
def tasks(
    company: Served, owner: str = "", account: str = "",
    every: Annotated[bool, Query(alias="all", description="Those that are done too")] = False,
) -> JSONResponse:
    """Tasks, by the day on which they are due."""
    return JSONResponse({
        "rows": company.work.tasks(owner=owner, account=account, has_done=every)
    })


@router.post("/tasks/{task}/done", response_model=shapes.TaskShape)
def done(company: Served, task: int, sent: Completion) -> JSONResponse:
    """Say that a task is done."""
    return JSONResponse(
        company.work.complete(task, by=sent.by, note=sent.note, version=sent.version)
    )


@router.get("/plans/{account:path}", response_model=shapes.PlanShape)
def plan(company: Served, account: str) -> JSONResponse:
    """The success plan of an account, by day."""
    return JSONResponse({"rows": company.work.milestones(account)})


@router.post("/plans/{account:path}", response_model=shapes.MilestoneShape)
def add(company: Served, account: str, sent: Milestone) -> JSONResponse:
    """Add a dated step to an account's success plan."""
    return JSONResponse(company.work.add_milestone(
        account, sent.title, due_on=sent.due_on, owner=sent.owner, by=sent.by
    ))


@router.post("/milestones/{milestone}/reached", response_model=shapes.MilestoneShape)
def reached(company: Served, milestone: int, sent: Said) -> JSONResponse:
    """Say that a milestone has been reached."""
    return JSONResponse(company.work.reach_milestone(milestone, by=sent.by))


@router.post("/milestones/{milestone}/dropped", response_model=shapes.MilestoneShape)
def dropped(company: Served, milestone: int, sent: Said) -> JSONResponse:
    """Take a milestone out of its plan."""
    return JSONResponse(company.work.drop_milestone(milestone, by=sent.by))


@router.get("/playbooks", response_model=shapes.PlaybooksShape)
def playbooks(company: Served) -> JSONResponse:
    """Every playbook with its rule."""
    return JSONResponse({"rows": [one.as_dict() for one in company.work.playbooks().playbooks]})


@router.get("/playbooks/{name}", response_model=shapes.PlaybookRecordShape)
def playbook(company: Served, name: str) -> JSONResponse:
    """One playbook with what became of its alerts."""
    found = company.work.playbooks().get(name)
    return JSONResponse(found.as_dict() | {"record": company.work.record(name)})


@router.get("/audiences", response_model=shapes.AudiencesShape)
def audiences(company: Served) -> JSONResponse:
    """Every audience, and how many are in it now."""
    return JSONResponse({"rows": company.audiences.listed()})


@router.get("/audiences/{name}/members", response_model=shapes.MembersShape)
def members(
    company: Served, name: str,
    at: Annotated[str, Query(description="Who was in it then, such as 2024-06-01")] = "",
) -> JSONResponse:
    """Who is in an audience now, or was at an instant."""
    return JSONResponse(company.audiences.members(name, at=at or None))


@router.get("/audiences/{name}/members/{account:path}", response_model=shapes.MemberShape)
def member(company: Served, name: str, account: str) -> JSONResponse:
    """Whether an account is in an audience now: from memory, fast enough for a feature flag."""
    return JSONResponse({
        "audience": name, "account_id": account,
        "is_member": company.audiences.is_member(name, account),
    })
