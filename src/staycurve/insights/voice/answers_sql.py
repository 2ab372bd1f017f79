"""Statements over answers and invitations that several readings share."""

from __future__ import annotations

from staycurve.insights.voice.asked import VoiceAsked
from staycurve.insights.voice.scores import KINDS, is_high_sql, is_low_sql

TOUCHPOINT = "touchpoint"
"""The dimension that answers have and invitations have not: it is that of their survey."""

_KINDS = ", ".join(f"'{kind}'" for kind in KINDS)


def scored_sql(asked: VoiceAsked, *, grain: str = "") -> str:
    """The relation `scored`: answers that count, with what they need, to follow WITH.

    Rows of (kind, bucket, seg…, account_id, user_id, answer_id, answered_at, answered_on, score,
    is_high, is_low). Of NPS each person's last answer counts, in the range or, with a grain, in
    each of its periods; an answer without a person counts by itself. CSAT and CES count them all.

    Parameters
    ----------
    grain : str
        month or quarter: `bucket` is then the first day of the period.
    """
    segments, joins = asked.segments(account="r.root_id", day="t.answered_on")
    bucket = f"CAST(date_trunc('{grain}', t.answered_on) AS DATE)" if grain else "NULL"
    return f"""{asked.shared_sql}answered AS (
    SELECT t.kind, CAST({bucket} AS DATE) AS bucket{segments}, r.root_id AS account_id,
           t.user_id, t.answer_id, t.survey, t.answered_at, t.answered_on, t.score, t.scale_max,
           t.comment, {is_high_sql("t")} AS is_high, {is_low_sql("t")} AS is_low
    FROM answers t
    LEFT JOIN account_roots r ON r.account_id = t.account_id
    {joins}
    WHERE t.kind IN ({_KINDS}) AND t.score IS NOT NULL AND t.answered_at < {asked.at}
      AND {asked.within("t.answered_on")} AND coalesce(r.is_excluded, FALSE) = FALSE
),
scored AS (
    SELECT * FROM (
        SELECT answered.*, row_number() OVER (PARTITION BY kind, bucket{asked.segs}, user_id
                   ORDER BY answered_at DESC, answer_id DESC) AS place
        FROM answered WHERE {asked.context.where()}
    ) ranked
    WHERE kind <> 'nps' OR user_id IS NULL OR place = 1
)"""


def given_sql(asked: VoiceAsked, *, grain: str = "") -> str:
    """SQL of how many answers there are: (kind, survey, bucket, seg…, answers), each counted.

    Unlike scores, the response rate counts every answer, also the earlier ones of one person.
    """
    names = _names(asked)
    return f"""WITH {scored_sql(asked, grain=grain)}
SELECT kind, survey, bucket{names}, CAST(COUNT(*) AS BIGINT) AS answers
FROM answered WHERE {asked.context.where()}
GROUP BY kind, survey, bucket{names}
ORDER BY kind, survey, bucket NULLS FIRST{_order(asked)}"""


def counts_sql(asked: VoiceAsked, *, grain: str = "") -> str:
    """SQL of (kind, bucket, seg…, answers, high, low, people): what scores are made of."""
    names = _names(asked)
    return f"""WITH {scored_sql(asked, grain=grain)}
SELECT kind, bucket{names}, CAST(COUNT(*) AS BIGINT) AS answers,
       CAST(COUNT(CASE WHEN is_high THEN 1 END) AS BIGINT) AS high,
       CAST(COUNT(CASE WHEN is_low THEN 1 END) AS BIGINT) AS low,
       CAST(COUNT(DISTINCT user_id) AS BIGINT) AS people
FROM scored
GROUP BY kind, bucket{names}
ORDER BY kind, bucket NULLS FIRST{_order(asked)}"""


KINDS_OF_SURVEYS = """SELECT survey, MIN(kind) AS kind, COUNT(DISTINCT kind) AS kinds,
       CASE WHEN COUNT(DISTINCT coalesce(touchpoint, '')) = 1 THEN MIN(touchpoint) END
           AS touchpoint
FROM answers GROUP BY survey"""
"""What is known of a survey from its answers: an invitation names the survey alone."""


def invited_sql(asked: VoiceAsked, *, grain: str = "") -> str:
    """SQL of (kind, survey, bucket, seg…, invitations) of surveys that have answers.

    The kind of a survey is that of its answers, and so is its touchpoint where all name the same.
    """
    own = {"survey": "t.survey", TOUCHPOINT: "k.touchpoint"}
    segments, joins = asked.context.segments(
        account="r.root_id", own=own, day="t.asked_on"
    )
    bucket = f"CAST(date_trunc('{grain}', t.asked_on) AS DATE)" if grain else "NULL"
    names = _names(asked)
    return f"""WITH {asked.shared_sql}surveys AS ({KINDS_OF_SURVEYS}),
sent AS (
    SELECT k.kind, t.survey, CAST({bucket} AS DATE) AS bucket{segments}
    FROM invitations t
    JOIN surveys k ON k.survey = t.survey AND k.kinds = 1
    LEFT JOIN account_roots r ON r.account_id = t.account_id
    {joins}
    WHERE k.kind IN ({_KINDS}) AND t.asked_at < {asked.at} AND {asked.within("t.asked_on")}
      AND coalesce(r.is_excluded, FALSE) = FALSE
)
SELECT kind, survey, bucket{names}, CAST(COUNT(*) AS BIGINT) AS invitations
FROM sent WHERE {asked.context.where()}
GROUP BY kind, survey, bucket{names}
ORDER BY kind, survey, bucket NULLS FIRST{_order(asked)}"""


def _names(asked: VoiceAsked) -> str:
    """`, seg0, …` of the dimensions that split the answer."""
    return "".join(f", seg{place}" for place in range(len(asked.by)))


def _order(asked: VoiceAsked) -> str:
    return "".join(f", seg{place} NULLS FIRST" for place in range(len(asked.by)))


def asked_sql(asked: VoiceAsked, kind: str) -> str:
    """The relation `asked`: people who were asked in the range, each once, to follow WITH.

    Rows of (who, seg…, account_id, user_id, asked_on, is_answered, score, is_high, is_low): the
    last invitation of each person, and the answer to it: the last one of the same survey from the
    invitation on, until the person's next one.
    """
    own = {"survey": "t.survey", TOUCHPOINT: "k.touchpoint"}
    segments, joins = asked.context.segments(account="r.root_id", own=own, day="t.asked_on")
    who = "coalesce('u' || {row}.user_id, 'a' || {row}.account_id)"
    return f"""{asked.shared_sql}surveys AS ({KINDS_OF_SURVEYS}),
invited AS (
    SELECT t.invitation_id, t.survey, {who.format(row="t")} AS who, t.asked_at, t.asked_on,
           r.root_id AS account_id, t.user_id{segments},
           lead(t.asked_at) OVER (PARTITION BY t.survey, {who.format(row="t")}
               ORDER BY t.asked_at, t.invitation_id) AS next_at
    FROM invitations t
    JOIN surveys k ON k.survey = t.survey AND k.kinds = 1 AND k.kind = '{kind}'
    LEFT JOIN account_roots r ON r.account_id = t.account_id
    {joins}
    WHERE t.asked_at < {asked.at} AND coalesce(r.is_excluded, FALSE) = FALSE
),
last_asked AS (
    SELECT * FROM (
        SELECT invited.*, row_number() OVER (PARTITION BY who
                   ORDER BY asked_at DESC, invitation_id DESC) AS place
        FROM invited WHERE {asked.within("asked_on")} AND {asked.context.where()}
    ) ranked WHERE place = 1
),
asked AS (
    SELECT * FROM (
        SELECT l.who{"".join(f", l.seg{place}" for place in range(len(asked.dims)))},
               l.account_id, l.user_id, l.asked_on, n.answer_id IS NOT NULL AS is_answered,
               n.score, {is_high_sql("n")} AS is_high, {is_low_sql("n")} AS is_low,
               row_number() OVER (PARTITION BY l.who
                   ORDER BY n.answered_at DESC NULLS LAST, n.answer_id DESC NULLS LAST) AS turn
        FROM last_asked l
        LEFT JOIN answers n ON n.survey = l.survey AND n.score IS NOT NULL
             AND {who.format(row="n")} = l.who AND n.answered_at >= l.asked_at
             AND n.answered_at < {asked.at}
             AND (l.next_at IS NULL OR n.answered_at < l.next_at)
    ) turns WHERE turn = 1
)"""


