"""Ask: what an address asks for. The whole state of a page is in its address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlencode

from staycurve.errors import StaycurveError, UnknownNameError, UsageError
from staycurve.insights.base import unknown_parameter
from staycurve.interfaces.web import periods as naming
from staycurve.interfaces.web.beside import Beside
from staycurve.metrics.catalogue import METRICS
from staycurve.metrics.context import Filter
from staycurve.metrics.dimensions import PROPERTY
from staycurve.metrics.filters import parse_filters, where_text
from staycurve.metrics.query import Query, known_dims
from staycurve.metrics.relations import RELATIONS
from staycurve.metrics.result import AccountRows, Result
from staycurve.period import COMPARISONS, AsOf, Period, check_grain, period_of
from staycurve.tables.views import has_spans
from staycurve.workspace import Company

KEPT = ("grain", "from", "to", "where", "compare", "as_of", "known_at")
"""What links between pages carry along, so that every page takes it."""
EVERYWHERE = frozenset({*KEPT, "format", "panel", "page", "shape", "exact"})
"""Parameters of every page."""
OWN = EVERYWHERE | {"metric", "period", "cohort_value", "cohort_as", "cohort_month", "age"}
"""Parameters that are nowhere a dimension."""
SHOWN = {"day": 31, "week": 26, "month": 24, "quarter": 12, "year": 10}
"""Periods shown without a range: two years of months, three of quarters."""


@dataclass(frozen=True)
class Ask:
    """A request to a page, read and checked.

    Attributes
    ----------
    address : str
        The path, without .json.
    options : mapping
        Parameters that are not filters, without empty ones; of one given several times the last.
    filters : tuple of Filter
    seen : AsOf
    grain : str
    periods : tuple of Period
        In order; those after the as-of are left out.
    own : frozenset of str
        Parameters that the page takes; they are not dimensions.
    form : mapping
        Fields of a form that was sent; empty without one.
    fault : StaycurveError, optional
        What was wrong with the form.
    beside : Beside
        Saved views and annotations.
    pairs : tuple of (str, str)
        The options as the address has them, one given several times with each of its values.
    """

    company: Company
    address: str
    options: Mapping[str, str]
    filters: tuple[Filter, ...]
    seen: AsOf
    grain: str
    periods: tuple[Period, ...]
    own: frozenset[str] = OWN
    form: Mapping[str, str] = field(default_factory=dict)
    fault: StaycurveError | None = None
    beside: Beside = field(default_factory=Beside)
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What the last part of the path names, such as the metric of /metrics/mrr."""
        return self.address.rpartition("/")[2]

    @property
    def fiscal(self) -> int:
        """The month in which the fiscal year begins."""
        return self.company.config.company.fiscal_year_start

    @property
    def week_start(self) -> str:
        """The day on which weeks begin."""
        return self.company.config.company.week_start

    @property
    def currency(self) -> str:
        """The company's currency."""
        return self.company.config.company.currency

    @property
    def closed(self) -> tuple[Period, ...]:
        """The asked periods that have closed."""
        return tuple(p for p in self.periods if not self.seen.is_open(p))

    @property
    def compared_with(self) -> str:
        """`previous` or `year`."""
        return self.options.get("compare", COMPARISONS[0])

    def before(self, period: Period) -> Period:
        """The period that this one is compared with."""
        return period.before(self.compared_with, self.fiscal)

    def seen_words(self) -> str:
        """The as-of as people read it: a whole day by its name, else the local time as well."""
        if self.seen.is_whole:
            return naming.day(self.seen.last_day)
        local = self.seen.at.astimezone(self.company.config.company.zone)
        return f"{naming.day(local.date())}, {local:%H:%M}"

    def label(self, period: Period) -> str:
        """The period as people read it."""
        return naming.label(period, self.fiscal)

    def answer(
        self,
        *metrics: str,
        by: Sequence[str] = (),
        periods: Sequence[Period] | None = None,
        grain: str | None = None,
    ) -> Result:
        """Values of metrics in the asked periods and segments."""
        chosen = tuple(periods if periods is not None else self.periods)
        query = Query(metrics, grain or self.grain, chosen, self.seen, tuple(by), self.filters)
        return self.company.answer(query)

    def rows(self, metric: str, period: Period) -> AccountRows:
        """The accounts behind one number in the asked segments; see `opens`."""
        query = Query((metric,), period.grain, (period,), self.seen, (), self.filters)
        return self.company.described_rows(query, under=self.options.get("under", ""))

    def at(self, address: str, *, can_be_cut: bool = True) -> str:
        """The address of another page in this state, without filters where it takes none."""
        kept = {key: value for key, value in self.options.items() if key in KEPT}
        return link(address, kept, self.filters if can_be_cut else ())

    def url(
        self, address: str | None = None, **changes: str | Sequence[str] | None
    ) -> str:
        """The address of a page with this state and some options changed; None drops one."""
        kept = {
            k: v for k, v in self.options.items() if address in (None, self.address) or k in KEPT
        }
        return link(address or self.address, {**kept, **changes}, self.filters)

    def twin(self, form: str) -> str:
        """The address of the same page as JSON or CSV."""
        return self.url(format=form)

    def without(self, place: int) -> str:
        """The address of the page without one filter."""
        left = tuple(f for i, f in enumerate(self.filters) if i != place)
        return link(self.address, self.options, left)

    def cleared(self) -> str:
        """The address of the page without any filter."""
        return link(self.address, self.options, ())

    def opens(
        self, metric: str, period: Period, *extra: Filter, under: str | None = None,
        known_at: str | None = None, as_of: str | None = None,
    ) -> str:
        """The address that lists the accounts behind a number.

        Parameters
        ----------
        under : str, optional
            Other conventions, as `Company.accounts` takes them.
        known_at : str, optional
            The instant whose loads the number was read from.
        as_of : str, optional
            Where it is another one than the page's.
        """
        options = {
            "metric": metric,
            "period": naming.name(period, self.fiscal),
            "grain": "week" if period.grain == "week" else None,
            "as_of": as_of or self.options.get("as_of"),
            "under": under,
            "known_at": known_at,
        }
        return link("/accounts", options, (*self.filters, *extra))

    def defines(self, metric: str) -> str:
        """The address of a metric's own page, in the same state."""
        return self.url(f"/metrics/{quote(metric)}")


def link(
    address: str, options: Mapping[str, str | Sequence[str] | None], filters: Sequence[Filter]
) -> str:
    """An address with options and filters."""
    pairs = [
        (key, one)
        for key, value in options.items()
        for one in ([value] if isinstance(value, str) else value or ())
        if one
    ]
    if filters:
        pairs.append(("where", where_text(filters)))
    return address + ("?" + urlencode(pairs, safe=",=|:", quote_via=quote) if pairs else "")


def filters_of(
    params: Sequence[tuple[str, str]], dims: Sequence[str], own: frozenset[str] = OWN
) -> tuple[Filter, ...]:
    """Filters from `where` and from parameters named like a dimension; empty ones say nothing."""
    found = [f for key, value in params if key == "where" for f in parse_filters(value)]
    named: dict[str, list[str | None]] = {}
    for key, value in params:
        if key in dims and key not in own and value:
            named.setdefault(key, []).append(value)
    for dim, values in named.items():
        # A form sends the dimension again that `where` already names: the form is newer.
        found = [f for f in found if f.dim != dim or f.sign != "="]
        found.append(Filter(dim, tuple(values)))
    return tuple(dict.fromkeys(found))


def read(
    company: Company,
    address: str,
    params: Sequence[tuple[str, str]],
    options: Sequence[str] = (),
) -> Ask:
    """The Ask of a request.

    Parameters
    ----------
    options : sequence of str
        Parameters that this page takes beside those of every page.

    Raises
    ------
    UsageError
        If the range, grain, as-of or a filter cannot be read, or a dimension or parameter is not
        known.
    """
    takes = EVERYWHERE | frozenset(options)
    known = OWN | takes
    given = {k: v for k, v in params if k in takes and k not in ("where", "format") and v}
    if "known_at" in given:
        company = company.known_at(given["known_at"])
    if given.get("compare", COMPARISONS[0]) not in COMPARISONS:
        raise UnknownNameError("compare", given["compare"], COMPARISONS)
    dims = known_dims(RELATIONS["closing"], company.attributes())
    for name, _value in params:
        if name not in takes and name not in dims:
            raise unknown_parameter(name, [*options, *sorted(EVERYWHERE), *dims])
    filters = filters_of(params, dims, known)
    every = {
        d for r in RELATIONS.values()
        for d in known_dims(r, company.attributes(), company.traits())
    }
    for own in filters:
        # Which properties events have is looked up by what asks for them.
        if own.dim not in every and not own.dim.startswith(PROPERTY):
            raise UnknownNameError("dimension", own.dim, every)
    company.check_filters(filters)
    grain = check_grain(given.get("grain", "month"))
    # Without any span the range is that of what else is loaded.
    has_revenue = has_spans(company.lake, company.snapshot)
    query = company.query(
        *(("mrr",) if has_revenue else METRICS), grain=grain, start=given.get("from"),
        end=given.get("to"),
        at=given.get("as_of"),
    )
    seen = query.as_of
    fiscal = company.config.company.fiscal_year_start
    week = company.config.company.week_start
    last = period_of(seen.last_day, grain, fiscal, week_start=week)
    periods = tuple(p for p in query.periods if p.start <= last.start)
    if not periods:
        raise UsageError(
            f"The range begins after {seen.last_day}, the last day with data.",
            hint="Choose an earlier range.",
        )
    if "from" not in given:
        periods = periods[-SHOWN[grain] :]
    pairs = tuple((k, v) for k, v in params if k in given and v)
    made = Ask(company, address, given, filters, seen, grain, periods, known, pairs=pairs)
    plain = {"grain": "month", "compare": COMPARISONS[0]}
    return replace(made, options={k: v for k, v in given.items() if plain.get(k) != v})
