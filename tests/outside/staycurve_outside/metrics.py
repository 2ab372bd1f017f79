"""The metric `delight`."""

from __future__ import annotations

from staycurve.metrics.base import Chart, Example, Measure, Metric, Unit

_tens = Measure(
    "answers_of_ten", "answers of 10", "nps_answers", "COUNT(CASE WHEN score = 10 THEN 1 END)"
)
_answers = Measure("nps_answers_given", "NPS answers", "nps_answers", "COUNT(*)")

delight = Metric(
    label="Delight",
    about="Share of NPS answers that are a 10.",
    formula=_tens / _answers,
    unit=Unit.PERCENT,
    better="higher",
    stage="retention",
    is_to_date=False,
    chart=Chart("line"),
    example=Example(
        rows={
            "accounts": "account_id\nacme",
            "answers": """
    answer_id survey kind account_id user_id answered_at score scale_max
    a1        q1     nps  acme       ann     2024-02-01  10    10
    a2        q1     nps  acme       bob     2024-02-03  9     10""",
        },
        answer={"2024-02": 0.5},
        as_of="2024-03-01",
    ),
)
