"""answers: what customers said when they were asked."""

from __future__ import annotations

from staycurve.i18n import N_
from staycurve.tables.base import Check, Column, Table

_SCORED = "kind IN ('nps', 'csat', 'ces')"
_LOWEST = "CASE WHEN kind = 'nps' THEN 0 ELSE 1 END"

ANSWERS = Table(
    name="answers",
    about=N_("What customers said when they were asked."),
    grain=N_("one answer to one question"),
    key=("answer_id",),
    derived_key="answer_id",
    columns=(
        Column("answer_id", "text", N_("The answer."), is_required=True),
        Column("survey", "text", N_("The survey that it belongs to."), is_required=True),
        Column(
            "kind",
            "text",
            N_("What the question measures."),
            is_required=True,
            choices=("nps", "csat", "ces", "open", "profile"),
        ),
        Column("account_id", "text", N_("The account.")),
        Column("user_id", "text", N_("Who answered.")),
        Column("touchpoint", "text", N_("After what the question was asked.")),
        Column("asked_at", "instant", N_("When the question was asked.")),
        Column("answered_at", "instant", N_("When it was answered."), is_required=True),
        Column("score", "decimal", N_("The score; nps 0 to 10, else 1 to scale_max.")),
        Column(
            "scale_max",
            "integer",
            N_("The best score; 10 for nps, 5 for csat and 7 for ces where it is empty."),
            fallback="CASE kind WHEN 'nps' THEN 10 WHEN 'csat' THEN 5 WHEN 'ces' THEN 7 END",
        ),
        Column("question", "text", N_("What was asked.")),
        Column("comment", "text", N_("What was said.")),
    ),
    checks=(
        Check("score", f"score IS NULL AND {_SCORED}", N_("is missing: {kind} is a score")),
        Check("scale_max", f"{_SCORED} AND scale_max < 2", N_("is below 2")),
        Check(
            "scale_max",
            "kind = 'nps' AND scale_max <> 10",
            N_("is not 10: nps is asked 0 to 10"),
        ),
        Check(
            "score",
            f"{_SCORED} AND (score < {_LOWEST} OR score > scale_max)",
            N_("is not on the scale of {kind}"),
        ),
        Check("score", "kind = 'nps' AND score <> floor(score)", N_("is not a whole number")),
        Check("answered_at", "answered_at < asked_at", N_("is before asked_at {asked_at}")),
    ),
)
