"""Definition: what a survey asks and under which rules, read from TOML or from a form."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Annotated, Any

from staycurve.actions.surveys import triggers
from staycurve.actions.surveys.triggers import Trigger
from staycurve.errors import UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.sections import CLOSED, FILE_NAME, Section, Takes, Wrong
from staycurve.state.cleaning import line

KINDS = {
    "nps": N_("Net Promoter Score, 0 to 10"),
    "csat": N_("Customer satisfaction, 1 to 5"),
    "ces": N_("Customer effort, 1 to 7"),
    "open": N_("Open question"),
    "profile": N_("Best-customer profile"),
}
SCORED = ("nps", "csat", "ces")
_SCALES = {"nps": 10, "csat": 5, "ces": 7}
TEXT, SHORT = 300, 80
MOST_QUESTIONS, MOST_CHOICES = 20, 20
ONCE = 0
"""The cadence of a survey that asks a person once and never again."""

# NPS is asked once a quarter as a rule; more often measures the asking.
_CADENCE = {"nps": 90, "csat": 30, "ces": 30, "open": 90, "profile": ONCE}
_FIRST = {"nps": 90, "profile": 90}
_NAME = re.compile(r"[^\W_][\w .-]*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def _named(text: str) -> str:
    found = line(text, what="The name", most=SHORT)
    if not _NAME.fullmatch(found):
        raise Wrong(f"'{found}' is not a name.", "Write letters, digits, blanks, - and _.")
    return found


def _said(text: str) -> str:
    try:
        return line(text, what="The text", most=TEXT, is_required=False)
    except UsageError as error:
        raise Wrong(f"is too long: {error.message}", f"Write at most {TEXT} letters.") from None


def _asked(text: str) -> str:
    found = _said(text)
    if not found:
        raise Wrong("is empty.", 'Write: question = "How likely are you to recommend us?"')
    return found


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text):
        raise Wrong(f"'{text[:20]}' is not a language.", 'Write: language = "de"')
    return text


Text = Annotated[str, Takes(N_("a text"), check=_said)]
Question = Annotated[str, Takes(N_("a question"), 'question = "…"', check=_asked)]


@dataclass(frozen=True)
class Rules:
    """[rules]: who is asked, and when.

    Attributes
    ----------
    cadence_days : int, optional
        Days between two times that a person is asked; 0 is once and never again.
    first_after_days : int, optional
        Days after the account's first payment before a person is asked.
    quiet_days : int, optional
        Days after any other survey; those of [surveys] without it.
    sample : float
        The share of people who are ever asked.
    reminder_days : int
        Days after which those who have not answered are reminded, once; 0 is never.
    expires_days : int
        Days for which a link takes an answer.
    is_automatic : bool
        Whether the server asks whoever is due, without being told; with a trigger it does always.
    is_in_product : bool
        Whether programs may ask inside the product.
    """

    __pydantic_config__ = CLOSED

    cadence_days: Annotated[
        int | None, Takes(N_("days from 0 to 3650; 0 is once"), "cadence_days = 90",
                          least=0, most=3650)
    ] = None
    first_after_days: Annotated[
        int | None, Takes(N_("days from 0 to 3650"), "first_after_days = 90", least=0, most=3650)
    ] = None
    quiet_days: Annotated[
        int | None, Takes(N_("days from 0 to 365"), "quiet_days = 7", least=0, most=365)
    ] = None
    sample: Annotated[
        float, Takes(N_("a share from 0 to 1"), "sample = 0.25", least=0, most=1)
    ] = 1.0
    reminder_days: Annotated[
        int, Takes(N_("days from 0 to 90; 0 is never"), "reminder_days = 5", least=0, most=90)
    ] = 5
    expires_days: Annotated[
        int, Takes(N_("days from 1 to 365"), "expires_days = 30", least=1, most=365)
    ] = 30
    is_automatic: Annotated[bool, Takes(N_("true or false"), "is_automatic = true")] = False
    is_in_product: Annotated[bool, Takes(N_("true or false"), "is_in_product = true")] = True


@dataclass(frozen=True)
class Further:
    """[[questions]]: a further question, answered in words or by one of `choices`."""

    __pydantic_config__ = CLOSED

    question: Question
    choices: tuple[Text, ...] = ()


def _further(given: Any) -> Any:
    if isinstance(given, str):
        return {"question": given}
    return given


@dataclass(frozen=True)
class Definition:
    """A survey.

    Attributes
    ----------
    name : str
        By which commands, pages and the lake know it.
    kind : str
        A key of KINDS.
    question : str
        The first question; of nps, csat and ces the one with a score.
    scale_max : int, optional
        The best score of csat (5) and ces (7).
    touchpoint : str
        After what it is asked, such as onboarding or support.
    low, high : str
        What the ends of the scale mean.
    comment : str
        What is asked beside a score, such as the reason for it.
    subject, thanks : str
        The subject of its mails, and what is said to who has answered.
    language : str
        In which it is written, such as en or pt-BR.
    trigger : Trigger, optional
        What it is asked after: only those to whom it happened are asked, each once about it.
    """

    __pydantic_config__ = CLOSED

    name: Annotated[str, Takes(N_("a name"), 'name = "nps"', check=_named)]
    kind: Annotated[str, Takes(N_("a kind"), 'kind = "nps"', choices=tuple(KINDS))]
    question: Question
    scale_max: Annotated[
        int | None, Takes(N_("a whole number from 2 to 10"), "scale_max = 5", least=2, most=10)
    ] = None
    touchpoint: Text = ""
    low: Text = ""
    high: Text = ""
    comment: Text = ""
    subject: Text = ""
    thanks: Text = ""
    language: Annotated[str, Takes(N_("a language"), 'language = "en"', check=_language)] = "en"
    questions: tuple[Further, ...] = ()
    rules: Rules = field(default_factory=Rules)
    trigger: Trigger | None = None

    @property
    def is_automatic(self) -> bool:
        """Whether the server asks without being told."""
        return self.rules.is_automatic or self.trigger is not None

    @property
    def is_scored(self) -> bool:
        """Whether its first question is answered by a score."""
        return self.kind in SCORED

    @property
    def scale(self) -> range:
        """The scores that it takes; empty where it takes none."""
        if not self.is_scored:
            return range(0)
        return range(0 if self.kind == "nps" else 1, (self.scale_max or 0) + 1)

    @property
    def cadence_days(self) -> int:
        """Days between two times that a person is asked; 0 is once."""
        own = self.rules.cadence_days
        return _CADENCE[self.kind] if own is None else own

    @property
    def first_after_days(self) -> int:
        """Days after the first payment before a person is asked."""
        own = self.rules.first_after_days
        return _FIRST.get(self.kind, 0) if own is None else own

    @property
    def is_rtl(self) -> bool:
        """Whether its language is written from right to left."""
        return self.language.partition("-")[0].lower() in ("ar", "he", "fa", "ur")

    def as_dict(self) -> dict[str, Any]:
        """As JSON; `of` reads the same from it."""
        found = dataclasses.asdict(self)
        found["questions"] = [
            {"question": one.question, "choices": list(one.choices)} for one in self.questions
        ]
        if self.trigger is None:
            # As versions were kept before there were triggers: it asks the same.
            del found["trigger"]
        return found


def _made(found: Definition) -> Definition:
    scale = _SCALES.get(found.kind)
    if found.scale_max is not None and scale is None:
        raise Wrong("stands in a survey without a score.", "Leave it out.", "scale_max")
    if found.kind == "nps" and found.scale_max not in (None, 10):
        raise Wrong("is not 10: nps is asked 0 to 10.", "Leave it out.", "scale_max")
    if len(found.questions) > MOST_QUESTIONS:
        raise Wrong(f"has more than {MOST_QUESTIONS} entries.", "Ask fewer questions.", "questions")
    for one in found.questions:
        if len(one.choices) == 1 or len(one.choices) > MOST_CHOICES:
            raise Wrong(
                f"has a question with {len(one.choices)} choices.",
                f"Write 2 to {MOST_CHOICES}, or none for an answer in words.", "questions",
            )
    if found.trigger is not None:
        triggers.check(found.trigger)
    if found.is_scored and found.scale_max is None:
        found = dataclasses.replace(found, scale_max=scale)
    return found


_SURVEY = Section(
    "survey", Definition, None, "", 'name = "nps", kind = "nps", question = "…"', make=_made
)


def of(given: Mapping[str, Any], *, file: str = "The survey") -> Definition:
    """The definition that a mapping states.

    Raises
    ------
    UsageError
        For the first thing that is wrong, naming the key.
    """
    plain = dict(given)
    if isinstance(plain.get("questions"), list | tuple):
        plain["questions"] = [_further(one) for one in plain["questions"]]
    found, wrong = _SURVEY.read(plain)
    if wrong:
        message = wrong[0].message.replace(f"{FILE_NAME}: [survey] ", f"{file}: ")
        message = message.replace(f"{FILE_NAME}: ", f"{file}: ").replace("[survey] ", "")
        also = [str(one.fields.get("key")) for one in wrong[1:]]
        hint = wrong[0].hint + (f" Also wrong: {', '.join(also)}." if also else "")
        raise UsageError(message.replace("survey.", ""), hint=hint)
    assert isinstance(found, Definition)
    return found


def parse(text: str, *, file: str) -> Definition:
    """The definition in the text of a TOML file; see `of`."""
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", hint="Fix that line.") from None
    return of(given, file=file)


def templates() -> dict[str, str]:
    """Name → text of the surveys that come with staycurve."""
    folder = files("staycurve.actions.surveys") / "templates"
    return {
        one.name.removesuffix(".toml"): one.read_text(encoding="utf-8")
        for one in sorted(folder.iterdir(), key=lambda one: one.name)
        if one.name.endswith(".toml")
    }


def template(name: str) -> str:
    """The text of a survey that comes with staycurve.

    Raises
    ------
    UnknownNameError
        If there is none of the name.
    """
    known = templates()
    if name not in known:
        raise UnknownNameError(
            "survey file", name, known, hint=f"A file, or one of: {', '.join(known)}"
        )
    return known[name]
