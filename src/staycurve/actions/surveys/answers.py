"""Answers: what a form or a program says to a survey, read and checked before it is kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from staycurve.actions.surveys.definition import Definition
from staycurve.errors import UsageError
from staycurve.state.survey_models import COMMENT

# Marks that open a direction and may leave it open for all that follows. Those for one place,
# which Hebrew and Arabic are written with, stay.
_OPENING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


class BadAnswerError(UsageError):
    """An answer that the survey does not take; nothing was recorded.

    Fields: `field` is the name of the form's field.
    """

    code = "bad_answer"


@dataclass(frozen=True)
class Said:
    """What a person says.

    Attributes
    ----------
    further : tuple of str
        To the further questions, in their order; empty texts where nothing was said.
    is_finished : bool
        Whether no question is left.
    """

    score: int | None
    comment: str
    further: tuple[str, ...]
    is_finished: bool


def words(text: str, *, field: str = "comment") -> str:
    """A text of several lines, composed, without control characters.

    Raises
    ------
    BadAnswerError
        If it is longer than is kept.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(
        letter for letter in unicodedata.normalize("NFC", unified)
        if letter in "\n\t"
        or (unicodedata.category(letter) not in ("Cc", "Cs") and letter not in _OPENING)
    ).strip()
    if len(kept) > COMMENT:
        raise BadAnswerError(
            f"The text has {len(kept):,} letters; {COMMENT:,} are kept at most.",
            hint="Shorten it, and send it again.", field=field,
        )
    return kept


def score_of(survey: Definition, text: str) -> int:
    """The score that a text is.

    Raises
    ------
    BadAnswerError
        If it is none, or not on the survey's scale.
    """
    low, high = survey.scale[0], survey.scale[-1]
    given = text.strip()
    if not given:
        raise BadAnswerError(
            "No score was chosen.", hint=f"Choose one from {low} to {high}.", field="score"
        )
    is_number = given.isascii() and given.isdigit() and len(given) <= 3
    if not is_number or int(given) not in survey.scale:
        raise BadAnswerError(
            f"'{given[:20]}' is not on the scale.", hint=f"Choose one from {low} to {high}.",
            field="score",
        )
    return int(given)


def preselected(survey: Definition, text: str) -> int | None:
    """The score of a link that was clicked; None where it is not on the scale."""
    try:
        return score_of(survey, text) if survey.is_scored else None
    except BadAnswerError:
        return None


def first(survey: Definition, form: Mapping[str, str]) -> Said:
    """What is said to the first question: a score with a comment, or words.

    Raises
    ------
    BadAnswerError
        If it says nothing, or what the survey does not take.
    """
    comment = words(form.get("comment", ""))
    score = score_of(survey, form.get("score", "")) if survey.is_scored else None
    if not survey.is_scored and not comment:
        raise BadAnswerError("Nothing was written.", hint="Write an answer.", field="comment")
    return Said(score, comment, (), not survey.questions)


def rest(survey: Definition, form: Mapping[str, str], before: Said) -> Said:
    """What is said to the further questions, after `before`; each may stay without an answer.

    Raises
    ------
    BadAnswerError
        If one is answered with what is none of its choices, or with too long a text.
    """
    said: list[str] = []
    for place, one in enumerate(survey.questions, 1):
        field = f"answer_{place}"
        text = words(form.get(field, ""), field=field)
        if text and one.choices and text not in one.choices:
            raise BadAnswerError(
                f"'{text[:40]}' is none of the choices.", hint="Choose one of them.", field=field
            )
        said.append(text)
    return Said(before.score, before.comment, tuple(said), True)


def pairs(survey: Definition, further: Sequence[str]) -> list[tuple[str, str]]:
    """Further questions that were answered, with what was said."""
    return [
        (one.question, text)
        for one, text in zip(survey.questions, further, strict=False) if text
    ]
