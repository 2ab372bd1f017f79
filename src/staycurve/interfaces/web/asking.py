"""Plain pages: every insight has one, made from its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from staycurve.errors import UsageError
from staycurve.i18n import N_
from staycurve.insights.answers import Answer
from staycurve.insights.base import Argument, Insight
from staycurve.insights.catalogue import INSIGHTS
from staycurve.insights.shapes import main_of
from staycurve.interfaces.web.answered import answered
from staycurve.interfaces.web.ask import Ask
from staycurve.interfaces.web.kept import kept
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.interfaces.web.texts import _

P = ParamSpec("P")
T = TypeVar("T", bound=Answer)

OF_PAGES = ("where", "as_of", "known_at")
"""What every page reads for itself: they are no fields of an insight's own form."""


def answer_of(ask: Ask, insight: Insight[P, T], **given: Any) -> T:
    """What an insight answers in the page's segments and as of its instant, found once.

    Parameters
    ----------
    **given
        By the names of its signature, beside `where` and `as_of`.
    """
    if insight.takes("where"):
        given.setdefault("where", ask.filters)
    if insight.takes("as_of"):
        given.setdefault("as_of", ask.seen.at.isoformat())
    chosen = tuple(
        (name, tuple(value) if isinstance(value, list) else value)
        for name, value in sorted(given.items())
        if name not in ("where", "as_of")
    )
    # A page that is read as known at an instant reads an earlier company: `ask.company` is it.
    return kept(ask, insight.name, lambda: insight.ask(ask.company, **given), chosen)


@dataclass(frozen=True)
class Field:
    """One control of the form of a plain page."""

    name: str
    about: str
    value: str
    choices: tuple[str, ...]
    is_required: bool


def page_of(insight: Insight[Any, Any], group: Group = Group.BOOKS) -> Page:
    """The plain page of an insight: the answer, and what may be asked, as a form."""
    own = tuple(one.outward for one in insight.arguments if one.outward not in OF_PAGES)

    def form(ask: Ask) -> Shown:
        fields = [
            _field(one, ask) for one in insight.arguments if one.outward not in OF_PAGES
        ]
        hidden = {key: value for key, value in ask.pairs if key in OF_PAGES}
        return Shown(
            [{"parameter": one.name, "value": one.value} for one in fields],
            {"fields": fields, "hidden": hidden, "about": insight.about,
             "command": f"staycurve {insight.name}", "address": f"/api/v1/{_path(insight)}"},
        )

    def answer(ask: Ask) -> Shown:
        given = insight.read([(key, value) for key, value in ask.pairs if key in own])
        missing = [one for one in insight.arguments if one.is_required and one.name not in given]
        if missing:
            why = _("Choose first: %s") % ", ".join(one.outward for one in missing)
            return Shown((), {"why": why}, {"why": why}, template="asked_nothing.html")
        return answered(ask, insight, answer_of(ask, insight, **given))

    is_list = any(main.mark.is_list for main in map(main_of, insight.answers) if main)
    found = (
        Panel("rows", N_("Rows"), N_("Together they make up the number above."), "rows.html",
              answer)
        if is_list
        else Panel("answer", N_("Answer"), N_("What the data says."), "reading.html", answer)
    )
    return Page(
        address=insight.page,
        title=insight.question,
        question=insight.about.partition("\n\n")[0],
        panels=(
            found,
            Panel("asked", N_("Asked"), N_("Which options are there?"), "asked.html", form),
        ),
        has_controls=False,
        is_listed=False,
        group=group,
        options=own,
        can_be_cut=insight.takes("where"),
        needs=(insight.needs,) if insight.needs else (),
    )


def _path(insight: Insight[Any, Any]) -> str:
    return insight.name.replace(" ", "/")


def _field(one: Argument, ask: Ask) -> Field:
    given = [value for key, value in ask.pairs if key == one.outward]
    default = one.default if isinstance(one.default, str | int) else ""
    choices = tuple(one.param.choices) or (("true", "false") if one.type is bool else ())
    value = given[-1] if given else str(default).lower() if one.type is bool else str(default)
    return Field(one.outward, one.param.about, value, choices, one.is_required)


def _group(insight: Insight[Any, Any], taken: Mapping[str, Page]) -> Group:
    """That of the page whose numbers it opens, or of its theme's page."""
    nearest = (insight.comes_from.partition("#")[0], "/" + insight.name.partition(" ")[0])
    return next((taken[one].group for one in nearest if one in taken), Group.BOOKS)


def plain_pages(taken: Mapping[str, Page]) -> list[Page]:
    """The plain pages of insights whose addresses no page of its own has.

    Parameters
    ----------
    taken : mapping
        Address → page.
    """
    found: dict[str, Page] = {}
    for name, insight in INSIGHTS.items():
        if insight.page in found:
            raise UsageError(f"Two insights share the page {insight.page}: the other is {name}.")
        if insight.page not in taken:
            found[insight.page] = page_of(insight, _group(insight, taken))
    return list(found.values())
