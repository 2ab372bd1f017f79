"""Page: a title, the question it answers, and panels. HTML, JSON and CSV are drawn from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import unquote

from staycurve.errors import NotAnsweredError, UnknownNameError, UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web.ask import Ask
from staycurve.permissions import Permission
from staycurve.workspace import Company


class Group(Enum):
    """Under which word the navigation lists a page; groups stand in this order."""

    REVENUE = N_("Revenue")
    BEHAVIOUR = N_("Behaviour")
    BOOKS = N_("Books")
    DATA = N_("Data")
    PEOPLE = N_("People")


class Empty(Enum):
    """Why there is nothing to show; never shown as 0."""

    NOTHING_CONNECTED = "nothing_connected"
    NOTHING_MATCHES = "nothing_matches"
    NOT_PERMITTED = "not_permitted"
    STILL_COMPUTING = "still_computing"


@dataclass(frozen=True)
class Shown:
    """What a panel has to show for one Ask.

    Attributes
    ----------
    rows : sequence of mapping
        The panel's values, flat: its JSON, its CSV, and what a test compares.
    view : mapping
        What its template draws beside them.
    extra : mapping
        Further keys of its JSON.
    template : str
        The file in templates/panels that draws it, where it is not the panel's own.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    view: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    template: str = ""


@dataclass(frozen=True)
class Panel:
    """One answer on a page.

    Attributes
    ----------
    name : str
        Its key in the JSON twin and its anchor.
    title, question : str
    template : str
        A file in templates/panels.
    show : callable
        Ask → Shown.
    is_late : bool
        Whether it takes seconds: a page in a browser comes without it and fetches it then. Its
        twins have it at once.
    options : tuple of str
        Parameters of its own, which every page takes that has it.
    is_quiet : bool
        Whether a page leaves it out when it has no rows: no doubt is no news.
    needs_data : bool
        Whether it says nothing where the page has nothing loaded that it could speak of.
    """

    name: str
    title: str
    question: str
    template: str
    show: Callable[[Ask], Shown]
    is_late: bool = False
    options: tuple[str, ...] = ()
    is_quiet: bool = False
    needs_data: bool = True


@dataclass(frozen=True)
class Laid:
    """A panel with what it shows, or the reason why it cannot.

    Attributes
    ----------
    comes_at : str
        The address of a panel that is not here yet.
    """

    panel: Panel
    shown: Shown
    refusal: str = ""
    hint: str = ""
    comes_at: str = ""

    def json(self) -> dict[str, Any]:
        """The panel in the page's twin."""
        found: dict[str, Any] = {
            "name": self.panel.name,
            "title": self.panel.title,
            "question": self.panel.question,
        }
        if self.refusal:
            return found | {"rows": [], "why": self.refusal, "hint": self.hint}
        if self.comes_at:
            return found | {"rows": [], "comes_at": self.comes_at}
        return found | dict(self.shown.extra) | {"rows": list(self.shown.rows)}


@dataclass(frozen=True)
class Page:
    """One question, from general to specific.

    Attributes
    ----------
    address : str
        As routes write it: `/metrics/{name}`, `/accounts/{account:path}` where names have slashes.
    panels : tuple of Panel
        From general to specific.
    has_controls : bool
        Whether grain, range and segments can be chosen.
    is_listed : bool
        Whether the navigation names it.
    needs : tuple of str
        Tables of which one is enough for it to say something; empty where it always does.
    needs_of : callable, optional
        Ask → the same, where it hangs on the address.
    heading : callable, optional
        Ask → the title, where it hangs on the address.
    group : Group
        Where the navigation lists it.
    options : tuple of str
        Parameters of its own, beside those of every page.
    can_be_cut : bool
        Whether segments change what it shows; if not, asking for one is an error.
    takes_forms : bool
        Whether a form can be sent to its address; panels find it in `Ask.form`.
    takes_files : bool
        Whether a form may bring a file of any size, which waits on disk.
    act : callable, optional
        Does what a form asks for, and gives the address that shows it: sent again by a reload, a
        form would do it twice.
    look_up : callable, optional
        (company, name): raises for a name in the address that nothing has.
    is_kept : bool
        Whether what it showed is remembered: not where hardly anybody asks for the same again.
    place : int
        Where the navigation lists it within its group; the smallest first.
    has_comparison : bool
        Whether it shows changes, and so can be asked what to compare with.
    permission, changes : Permission
        What one needs to see it, and to send a form to it.
    above : callable, optional
        Ask → (title, address) of the pages that lead to it, where its address does not say them.
    """

    address: str
    title: str
    question: str
    panels: tuple[Panel, ...]
    has_controls: bool = True
    is_listed: bool = True
    needs: tuple[str, ...] = ("subscriptions",)
    needs_of: Callable[[Ask], tuple[str, ...]] | None = None
    heading: Callable[[Ask], str] | None = None
    group: Group = Group.REVENUE
    options: tuple[str, ...] = ()
    can_be_cut: bool = True
    takes_forms: bool = False
    takes_files: bool = False
    act: Callable[[Ask], str] | None = None
    is_kept: bool = True
    look_up: Callable[[Company, str], None] | None = None
    place: int = 100
    has_comparison: bool = False
    permission: Permission = Permission.READ
    changes: Permission = Permission.OPERATE
    above: Callable[[Ask], Sequence[tuple[str, str]]] | None = None

    @property
    def placeholder(self) -> str:
        """What stands in its address for a name; empty where nothing does."""
        return self.address.partition("{")[2].partition("}")[0].partition(":")[0]

    def name_in(self, path: str) -> str:
        """The name in an address of the page, as people write it."""
        return unquote(path.removeprefix(self.address.partition("{")[0]))

    @property
    def takes(self) -> tuple[str, ...]:
        """Its own parameters and those of its panels, beside those of every page."""
        own = (*self.options, *(name for panel in self.panels for name in panel.options))
        return tuple(dict.fromkeys(own))

    def needed(self, ask: Ask) -> tuple[str, ...]:
        """Tables of which one is enough for one Ask."""
        return self.needs_of(ask) if self.needs_of else self.needs

    def lay(
        self, ask: Ask, *, is_hasty: bool = False, has_data: bool = True
    ) -> list[Laid]:
        """Every panel with what it shows.

        Parameters
        ----------
        has_data : bool
            Whether anything is loaded that the page needs; only panels that do without are laid
            if not.
        is_hasty : bool
            Whether late panels that the address does not name may come afterwards.
        """
        self.check(ask)
        asked = ask.options.get("panel")
        return [
            Laid(panel, Shown(), comes_at=ask.url(panel=panel.name))
            if is_hasty and panel.is_late and panel.name != asked
            else _lay(panel, ask)
            for panel in self.panels
            if has_data or not panel.needs_data
        ]

    def lay_one(self, ask: Ask) -> Laid | None:
        """The panel that the address names; None where it names none of the page's."""
        self.check(ask)
        asked = ask.options.get("panel")
        return next((_lay(panel, ask) for panel in self.panels if panel.name == asked), None)

    def first_with_rows(self, ask: Ask) -> Laid | None:
        """The first panel that has rows: the sheet of an address that names no panel.

        One sheet holds one panel: a column that mixed a whole with its segments would sum to twice
        it.
        """
        self.check(ask)
        every = (_lay(panel, ask) for panel in self.panels if not panel.is_quiet)
        return next((one for one in every if one.shown.rows), None)

    def check(self, ask: Ask) -> None:
        """Refuse segments where they would change nothing."""
        if ask.filters and not self.can_be_cut:
            raise UsageError(
                "This page looks at all accounts; it cannot be cut by "
                f"{', '.join(own.dim for own in ask.filters)}.",
                hint=f"Ask without: {ask.cleared()}",
            )

    def title_of(self, ask: Ask) -> str:
        """The title for one Ask."""
        return self.heading(ask) if self.heading else self.title


def _lay(panel: Panel, ask: Ask) -> Laid:
    try:
        return Laid(panel, panel.show(ask))
    except (NotAnsweredError, UnknownNameError) as error:
        # One panel that cannot be cut this way leaves the others standing.
        if isinstance(error, UnknownNameError) and error.fields.get("kind") != "dimension":
            raise
        return Laid(panel, Shown(), error.message, error.hint)


def twin(
    page: Page, ask: Ask, laid: Sequence[Laid], empty: Empty | None,
    lacks: Mapping[str, Any] | None = None,
) -> str:
    """The page as JSON."""
    company = ask.company.config.company
    found: dict[str, Any] = {
        "page": ask.address,
        "title": page.title_of(ask),
        "question": page.question,
        "company": company.name,
        "as_of": ask.seen.at.isoformat(),
        "currency": company.currency,
        "timezone": company.timezone,
        "where": [
            {"dimension": f.dim, "values": list(f.values), "is_negated": f.is_negated}
            | ({} if f.is_of_values else {"test": f.test})
            for f in ask.filters
        ],
    }
    if page.has_controls:
        found |= {
            "grain": ask.grain,
            "from": str(ask.periods[0].start),
            "to": str(ask.periods[-1].start),
        }
    if empty:
        found["empty"] = empty.value
    if lacks:
        found |= lacks
    # What may be left out does not move the others from their place.
    ordered = sorted(laid, key=lambda one: one.panel.is_quiet)
    return json.dumps(found | {"panels": [one.json() for one in ordered]}, ensure_ascii=False)
