"""The shapes of answers about work: alerts, tasks, success plans and playbooks."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict


class ProofShape(TypedDict):
    """Why an alert opened: the facts of one playbook on the day on which its rule came to hold."""

    playbook: str
    on: str
    facts: dict[str, Any]
    left_on: str | None


class AlertShape(TypedDict):
    """One alert; money is in major units, shares are 0 to 1, and rank = mrr × chance × can_do."""

    id: int
    account_id: str
    name: str | None
    type: str
    status: str
    playbook: str
    owner: str
    opened_at: str
    opened_on: str
    due_on: str
    mrr: float
    chance: float
    can_do: float
    rank: float
    evidence: list[ProofShape]
    reasons: list[str]
    version: int
    snoozed_until: str | None
    snooze_reason: str | None
    escalated_at: str | None
    acted_at: str | None
    resolved_at: str | None
    resolved_by: str | None
    reason: str | None
    note: str | None


class TicketShape(TypedDict):
    """The ticket of an alert at a help desk: asked for, open or solved."""

    alert_id: int
    desk: str
    state: str
    reference: str | None
    asked_at: str
    opened_at: str | None
    solved_at: str | None
    solved_by: str | None


class ListedAlertShape(AlertShape):
    """One alert with its tickets at help desks."""

    tickets: list[TicketShape]


class TaskShape(TypedDict):
    """One task; `status` is open, done or dropped."""

    id: int
    alert_id: int | None
    account_id: str
    title: str
    owner: str
    due_on: str
    status: str
    message: str | None
    version: int
    done_at: str | None
    done_by: str | None
    note: str | None


class HappenedShape(TypedDict):
    """One thing that happened to an alert."""

    at: str
    who: str
    what: str
    detail: dict[str, Any]


class AskedTicketShape(TicketShape):
    """A ticket that was asked for, and whether the alert had none there before."""

    is_new: bool


class TicketsShape(TypedDict):
    """Tickets of alerts, newest first."""

    rows: list[TicketShape]


class WholeAlertShape(ListedAlertShape):
    """One alert with its tasks, its history, oldest first, and its tickets at help desks."""

    tasks: list[TaskShape]
    history: list[HappenedShape]


class AlertsShape(TypedDict):
    """Alerts, those first of which the most can be kept."""

    rows: list[ListedAlertShape]


class TasksShape(TypedDict):
    """Tasks, by the day on which they are due."""

    rows: list[TaskShape]


class MilestoneShape(TypedDict):
    """One dated step of an account's success plan."""

    id: int
    account_id: str
    title: str
    owner: str
    due_on: str
    is_overdue: bool
    done_at: str | None
    done_by: str | None


class PlanShape(TypedDict):
    """The success plan of an account, by day."""

    rows: list[MilestoneShape]


class StepShape(TypedDict):
    """One task of a playbook, and how many days after the alert it is due."""

    title: str
    due_in_days: int
    template: str | None


class PlaybookShape(TypedDict):
    """One playbook; `chance` and `can_do` are its assumptions, 0 to 1."""

    playbook: str
    title: str
    about: str
    type: str
    rule: str
    facts: list[str]
    is_on: bool
    is_confirmed: bool
    is_shipped: bool
    file: str
    reasons: list[str]
    act_within_days: int
    again_after_days: int
    closes: bool
    outcome: str | None
    outcome_days: int
    chance: float
    can_do: float
    ticket: str | None
    tasks: list[StepShape]


class ReasonShape(TypedDict):
    """How many alerts were resolved for a reason."""

    reason: str
    alerts: int


class RetirementShape(TypedDict):
    """Why a playbook is proposed for retirement; `kind` is ignored or false_alarms."""

    kind: str
    alerts: int
    of: int
    says: str


class RecordShape(TypedDict):
    """What became of a playbook's alerts; money is in major units."""

    playbook: str
    opened: int
    open: int
    waiting: int
    snoozed: int
    resolved: int
    reasons: list[ReasonShape]
    acted: int
    median_days_to_act: float | None
    escalated: int
    mrr: float
    retire: list[RetirementShape]


class PlaybookRecordShape(PlaybookShape):
    """One playbook with what became of its alerts."""

    record: RecordShape


class PlaybooksShape(TypedDict):
    """Every playbook."""

    rows: list[PlaybookShape]


class AudienceShape(TypedDict):
    """One audience, and how many are in it now; None and `why` where its data is missing."""

    audience: str
    title: str
    about: str
    rule: str
    consent: str | None
    channels: list[str]
    is_shipped: bool
    file: str
    members: int | None
    why: str | None


class AudiencesShape(TypedDict):
    """Every audience."""

    rows: list[AudienceShape]


class MembersShape(TypedDict):
    """Who is in an audience, or was; `source` says whether its history or its rule tells."""

    audience: str
    at: str
    source: str
    rows: list[dict[str, Any]]


class MemberShape(TypedDict):
    """Whether an account is in an audience now."""

    audience: str
    account_id: str
    is_member: bool
