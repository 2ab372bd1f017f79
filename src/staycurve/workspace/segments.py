"""Segments: the audiences of one project, and who is in them as a fact that rules can name."""

from __future__ import annotations

from collections.abc import Callable

from staycurve.actions.audiences import base, places
from staycurve.actions.audiences.base import Audience
from staycurve.actions.facts.base import Moment, Values
from staycurve.actions.rules.documents import RuleError
from staycurve.errors import NotAnsweredError
from staycurve.period import AsOf
from staycurve.state import members as following
from staycurve.workspace.measured import MeasuredCompany
from staycurve.workspace.state import State

Flags = dict[str, Callable[[], Values]]


def list_name(audience: str) -> str:
    """The name under which the members of an audience are followed."""
    return f"audience:{audience}"


def every(company: MeasuredCompany) -> dict[str, Audience]:
    """Every audience by name.

    Raises
    ------
    RuleError
        With file and line, for one that cannot be followed.
    """
    # Files are read again when one has changed, not for every question.
    stamps = tuple(
        (one.name, one.stat().st_mtime_ns, one.stat().st_size)
        for one in sorted((company.folder / places.FOLDER).glob("*.toml"))
    )
    return company.kept("audiences", stamps, lambda: base.read_all(company))


def inside(
    company: MeasuredCompany, state: State, audience: Audience, seen: AsOf
) -> frozenset[str]:
    """Accounts that are kept as in an audience since earlier; none for a look at the past."""
    if not state.database.is_there or seen.at < company.as_of().at:
        return frozenset()
    with state.database.reading() as session:
        found = following.followed(session, list_name(audience.name))
    if found is None or found.rule != audience.digest:
        return frozenset()
    return frozenset(found.members)


def flags(company: MeasuredCompany, state: State, moment: Moment) -> Flags:
    """audience.NAME → whether each account is in it as of the moment."""
    def of(name: str) -> Values:
        try:
            audience = every(company)[name]
        except RuleError as error:
            # One bad file of an audience ends the rules that name audiences, and no others.
            raise NotAnsweredError(error.message, hint=error.hint) from error
        held = inside(company, state, audience, moment.seen)
        own = set(base.members(audience, moment, inside=held))
        return {one: one in own for one in moment.accounts()}

    return {
        places.PREFIX + name: lambda name=name: of(name)  # type: ignore[misc]
        for name in places.names(company.folder)
    }
