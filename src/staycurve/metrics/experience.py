"""What customers say, and how their requests are dealt with."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.metrics.base import Chart, Choice, Example, Formula, Measure, Metric, Unit
from staycurve.metrics.benchmark import Benchmark


def _count(name: str, label: str, relation: str, test: str) -> Measure:
    return Measure(name, label, relation, f"COUNT(CASE WHEN {test} THEN 1 END)")


_promoters = _count("promoters", N_("answers of 9–10"), "nps_answers", "score >= 9")
_detractors = _count("detractors", N_("answers of 0–6"), "nps_answers", "score <= 6")
_nps_answers = _count("nps_answers", N_("NPS answers"), "nps_answers", "1 = 1")

_CSAT = "kind = 'csat' AND score IS NOT NULL"
# 4–5 of 5 and 7–10 of 10; other scales take the same upper 70% as 7 of 10.
_CONTENT = (
    "CASE WHEN coalesce(scale_max, 5) = 5 THEN score >= 4 ELSE score >= 0.7 * scale_max END"
)
_satisfied = _count("satisfied", N_("satisfied answers"), "answers", f"{_CSAT} AND {_CONTENT}")
_csat_answers = _count("csat_answers", N_("CSAT answers"), "answers", _CSAT)
# Who answers a survey's further questions has answered one invitation, not several.
_answered = _count("answered", N_("answers"), "answers", "answer_id NOT LIKE '%/further/%'")
_invited = _count("invited", N_("invitations"), "invitations", "1 = 1")
_STAYED = "(reopened_at IS NULL OR reopened_at > solved_at + INTERVAL 7 DAY)"
_BY_BOT = "coalesce(solved_by, 'person') = 'bot'"


def _solved_first(name: str, is_first: str, is_told: str) -> Formula:
    """First contacts among the tickets that tell it: what is not known is no failure."""
    return _count(
        f"first_contact{name}", N_("tickets solved at first contact"), "tickets",
        f"{is_told} AND ({is_first}) AND {_STAYED}",
    ) / _count(
        f"solved{name}", N_("tickets solved that tell their contacts"), "tickets", is_told
    )


nps = Metric(
    label=N_("Net promoter score"),
    about=N_(
        "Share of answers of 9–10 less share of 0–6, times 100; 7–8 count in the base. Each "
        "person's last answer in the period; an answer without a person counts by itself."
    ),
    formula=(_promoters - _detractors) * 100 / _nps_answers,
    unit=Unit.SCORE,
    better="higher",
    stage="retention",
    is_to_date=False,
    chart=Chart("line", reference=0),
    example=Example(
        rows={
            "accounts": "account_id\nacme",
            "answers": """
    answer_id survey kind account_id user_id answered_at score scale_max
    a1        q1     nps  acme       ann     2024-02-01  3     10
    a2        q1     nps  acme       ann     2024-02-20  9     10
    a3        q1     nps  acme       bob     2024-02-03  10    10
    a4        q1     nps  acme       cid     2024-02-04  8     10
    a5        q1     nps  acme       -       2024-02-05  5     10""",
        },
        answer={"2024-02": 25},
        as_of="2024-03-01",
    ),
    benchmarks=(
        Benchmark(
            source=N_("ChurnWard, a compilation of survey vendors' reports on SaaS companies"),
            at_least=41, at_most=41, level="typical", year=2026, is_second_hand=True,
            note=N_("The highest of the averages in it; they begin at 31."),
        ),
        Benchmark(
            source=N_("Reichheld, Harvard Business Review, December 2003: more promoters than "
                      "detractors"),
            at_least=0, year=2003,
        ),
    ),
)
csat = Metric(
    label=N_("Customer satisfaction"),
    about=N_("Answers of 4–5 on a scale of 1–5, or 7–10 on 1–10, among all CSAT answers."),
    formula=_satisfied / _csat_answers,
    unit=Unit.PERCENT,
    better="higher",
    stage="adoption",
    is_to_date=False,
    example=Example(
        rows={
            "accounts": "account_id\nacme",
            "answers": """
    answer_id survey  kind account_id answered_at score scale_max
    a1        support csat acme       2024-02-01  5     5
    a2        support csat acme       2024-02-02  4     5
    a3        support csat acme       2024-02-03  3     5
    a4        support csat acme       2024-02-04  7     10""",
        },
        answer={"2024-02": 0.75},
        as_of="2024-03-01",
    ),
)
fcr = Metric(
    label=N_("First contact resolution"),
    about=N_(
        "Of the tickets solved in the period, the share solved with one agent contact and not "
        "reopened within seven days. Another convention counts the customer's messages instead, "
        "or what a bot solved as well. Tickets that do not say how many contacts they took are "
        "left out."
    ),
    formula=Choice("fcr", {
        "agent_replies": _solved_first(
            "", "agent_contacts = 1", f"(agent_contacts IS NOT NULL OR {_BY_BOT})"),
        "customer_replies": _solved_first(
            "_by_customer", f"customer_contacts <= 1 AND NOT {_BY_BOT}",
            f"(customer_contacts IS NOT NULL OR {_BY_BOT})"),
        "include_bots": _solved_first(
            "_with_bots",
            f"agent_contacts = 1 OR ({_BY_BOT} AND coalesce(agent_contacts, 0) = 0)",
            f"(agent_contacts IS NOT NULL OR {_BY_BOT})"),
    }),
    unit=Unit.PERCENT,
    better="higher",
    stage="adoption",
    is_to_date=False,
    example=Example(
        rows={
            "accounts": "account_id\nacme",
            "tickets": """
    ticket_id account_id opened_at  solved_at  agent_contacts reopened_at
    t1        acme       2024-02-01 2024-02-02 1              -
    t2        acme       2024-02-01 2024-02-02 1              2024-02-05
    t3        acme       2024-02-01 2024-02-02 1              2024-02-20
    t4        acme       2024-02-01 2024-02-02 3              -""",
        },
        answer={"2024-02": 0.5},
        as_of="2024-03-01",
    ),
    disagreements=N_(
        "Zendesk's one-touch counts fewer than two agent replies, and keeps a ticket whose "
        "reopening needs no reply. Freshservice counts tickets after which the customer did not "
        "write again: the convention `fcr = \"customer_replies\"`."
    ),
)
response_rate = Metric(
    label=N_("Response rate"),
    about=N_("Answers given in the period ÷ invitations sent in it."),
    formula=_answered / _invited,
    unit=Unit.PERCENT,
    better="higher",
    stage="adoption",
    is_to_date=False,
    example=Example(
        rows={
            "accounts": "account_id\nacme",
            "answers": """
    answer_id survey kind account_id answered_at score scale_max
    a1        q1     nps  acme       2024-02-02  9     10""",
            "invitations": """
    invitation_id survey account_id asked_at
    i1            q1     acme       2024-02-01
    i2            q1     acme       2024-02-01""",
        },
        answer={"2024-02": 0.5},
        as_of="2024-03-01",
    ),
)
