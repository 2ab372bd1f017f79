"""The truth about what customers say: who stays silent, and what was planted in their words."""

from __future__ import annotations

from staycurve.demo.causes import CAUSES
from staycurve.demo.ledger import History
from staycurve.demo.notes import CallNote
from staycurve.demo.planted import Cause, iso
from staycurve.demo.sayings import PRICE
from staycurve.demo.voice import Voice


def voiced(history: History, voice: Voice, notes: list[CallNote]) -> tuple[Cause, ...]:
    """What was planted in who answers, and in what people say."""
    c = CAUSES
    given = [score for score, is_given in voice.would_score if is_given]
    every = [score for score, _is_given in voice.would_score]
    prices = {saying for row in PRICE for saying in row}
    dearer, others = _comments(history, voice)
    return (
        Cause(
            "silent_unhappy",
            "Who uses it little thinks less of it and answers NPS less often: the score of those "
            "who answer is too high.",
            {"survey": "relationship", "kind": "nps"},
            {"rate": c.silent_rate, "rate_coefficient_of_mood": c.silent_coefficient,
             "rate_at_most": c.silent_most},
            {"asked": len(every), "answered": len(given), "nps_of_answers": _nps(given),
             "nps_of_all_asked": _nps(every)},
        ),
        Cause(
            "price_theme",
            "Who met the new Team price and is not content writes about it, and half of their "
            "tickets from then on are about billing.",
            {"survey": "relationship", "score_at_most": 8, "from": iso(c.rise_at)[:10]},
            {"share_of_tickets": c.rise_billing},
            {"affected": {"comments": len(dearer), "about_price": sum(
                one in prices for one in dearer)},
             "others": {"comments": len(others), "about_price": sum(
                 one in prices for one in others)}},
        ),
        Cause(
            "competition_theme",
            "Account managers note that an account compares, some weeks before it leaves for a "
            "competitor.",
            {"notes": "competition"},
            {"share_of_those_who_leave_so": c.comparing_share},
            {"notes": len(notes), "about_competition": sum(
                one.theme == "competition" for one in notes)},
        ),
    )


def _nps(scores: list[int]) -> float | None:
    if not scores:
        return None
    gap = sum(one >= 9 for one in scores) - sum(one <= 6 for one in scores)
    return round(100 * gap / len(scores), 2)


def _comments(history: History, voice: Voice) -> tuple[list[str], list[str]]:
    """Comments beside scores of 0 to 8 from the price rise on: of who met it, and of all others."""
    rises = set(history.rises)
    groups: tuple[list[str], list[str]] = [], []
    for one in voice.answers:
        if one.kind == "nps" and one.comment and (one.score or 0) <= 8 and (
            one.asked_at >= CAUSES.rise_at
        ):
            groups[one.account not in rises].append(one.comment)
    return groups
