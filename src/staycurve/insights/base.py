"""Insight: one question, declared once. What shows it is made from the declaration.

    @insight("cohorts riskiest")
    def riskiest_months(
        company: Reader, *, end_class: EndClass = None, by: By = "", where: Where = "",
        as_of: AsOfText = None,
    ) -> RiskiestMonths:
        '''In which month of their subscription do accounts churn?'''

The signature is what may be asked and the answer's type what comes back. Command, address, JSON,
CSV, the method in Python, its page of the reference and a plain web page come from both.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, ParamSpec, TypeVar, Union, get_args, get_origin

from staycurve.errors import UnknownNameError, UsageError, did_you_mean
from staycurve.i18n import N_
from staycurve.insights.answers import Answer, is_answer, with_notes
from staycurve.insights.filled import filled
from staycurve.insights.hiding import seen
from staycurve.metrics.filters import filters_of
from staycurve.permissions import Permission

P = ParamSpec("P")
T = TypeVar("T", bound=Answer)

KNOWN_AT = "known_at"
WHERE = "where"
LONGEST = 2000
"""Characters of a value in an address."""


@dataclass(frozen=True)
class Param:
    """What a parameter of an insight means, and what it takes.

    Attributes
    ----------
    about : str
        In one sentence.
    name : str
        As commands and addresses call it, where Python cannot: `from`.
    choices : sequence of str
        The values that it takes; any without them.
    metavar : str
        What stands for a value in help, such as EVENT.
    is_argument : bool
        Whether the command line takes it by its place, without a name.
    least, most : int, optional
        Bounds of a number.
    examples : str
        How a value looks, for the hint of an error.
    has_commas : bool
        Whether a value may hold commas: several are then given by naming it again alone.
    can_be_empty : bool
        Whether an empty text says something else than leaving it out.
    formerly : sequence of str
        What it was called before: who says so is told its name.
    """

    about: str
    name: str = ""
    choices: Sequence[str] = ()
    metavar: str = ""
    is_argument: bool = False
    least: int | None = None
    most: int | None = None
    examples: str = ""
    has_commas: bool = False
    can_be_empty: bool = False
    formerly: Sequence[str] = ()


@dataclass(frozen=True)
class Argument:
    """One parameter of an insight, as every interface reads it.

    Attributes
    ----------
    name, outward : str
        In Python, and on the command line and in addresses (with - for _ on the command line).
    type : type
        str, int, float or bool: of one value.
    is_many : bool
        Whether it can be given several times.
    is_required : bool
    default : Any
    """

    name: str
    outward: str
    param: Param
    type: type
    is_many: bool
    is_required: bool
    default: Any

    def read(self, texts: Sequence[str]) -> Any:
        """Its value from what an address or the command line says.

        Raises
        ------
        UsageError
            If a text is no such value, or if there are several where one is taken.
        """
        if self.is_many:
            return tuple(self._one(text) for text in texts)
        if len(texts) > 1:
            raise UsageError(
                f"'{self.outward}' is given {len(texts)} times.", hint="Give it once.",
                parameter=self.outward,
            )
        return self._one(texts[0])

    def _one(self, text: str) -> Any:
        if len(text) > LONGEST:
            raise self._bad(f"{text[:20]}…", f"It has at most {LONGEST:,} characters.")
        if self.type is bool:
            found = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False,
                     "no": False, "off": False}.get(text.lower())
            if found is None:
                raise self._bad(text, "Write true or false.")
            return found
        if self.type is str:
            return text
        try:
            return self.type(text)
        except ValueError:
            what = "a whole number" if self.type is int else "a number"
            raise self._bad(text, f"Write {what}.") from None

    def check(self, value: Any) -> None:
        """Raise for a value outside its choices or bounds."""
        several = self.is_many and isinstance(value, list | tuple)
        for one in value if several else (value,):
            if one is None or (one == "" and not self.is_required):
                continue
            if self.param.choices and one not in self.param.choices:
                raise UnknownNameError(
                    self.outward.replace("_", " "), str(one), self.param.choices
                )
            least, most = self.param.least, self.param.most
            if isinstance(one, int | float) and not isinstance(one, bool):
                if least is not None and one < least:
                    raise self._bad(str(one), f"It is at least {least}.")
                if most is not None and one > most:
                    raise self._bad(str(one), f"It is at most {most:,}.")

    def _bad(self, text: str, hint: str) -> UsageError:
        return UsageError(
            f"'{text}' is no value of '{self.outward}'.", hint=hint, parameter=self.outward
        )


class Insight(Generic[P, T]):
    """One question about a company, declared by a function.

    Called with a company and its arguments, it answers, typed; `ask` checks them first, as every
    interface does.

    Attributes
    ----------
    name : str
        'cohorts riskiest': the words of its command and the parts of its address.
    aliases : tuple of str
        Further addresses under /api/v1, kept for those who know them.
    page : str
        The address of its plain page, without one /THEME/WORD.
    comes_from : str
        The address of the page, with its panel, whose numbers it opens: '/features#report'. Its
        parameters that are parameters of the insight too go along: '/features?period#report'.
    needs : str
        The table without which it says nothing; empty where it says what is loaded, whether it
        is computed or not.
    has_history : bool
        Whether it can be answered from what was loaded at an earlier instant.
    permission : Permission
        What one needs to ask it over HTTP. Personal fields of its answer need none of their own:
        they are hidden from those who may not see them.
    """

    def __init__(
        self,
        function: Callable[P, T],
        *,
        name: str,
        aliases: tuple[str, ...],
        page: str,
        comes_from: str,
        needs: str,
        has_history: bool,
        permission: Permission = Permission.READ,
    ) -> None:
        self.function = function
        self.name = name
        self.aliases = aliases
        self.page = page or "/" + name.replace(" ", "/")
        self.comes_from = comes_from
        self.needs = needs
        self.has_history = has_history
        self.permission = permission
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.function(*args, **kwargs)

    @property
    def method(self) -> str:
        """What Python calls it: `company.THEME.METHOD`."""
        return self.function.__name__

    @property
    def theme(self) -> str:
        """The first word of its name; empty where it has one alone."""
        return self.name.rpartition(" ")[0]

    @property
    def word(self) -> str:
        """The last word of its name."""
        return self.name.rpartition(" ")[2]

    @cached_property
    def question(self) -> str:
        """What it answers, in one sentence."""
        return self._told()[0]

    @cached_property
    def about(self) -> str:
        """What else there is to know."""
        return self._told()[1]

    def _told(self) -> tuple[str, str]:
        first, _, rest = inspect.cleandoc(self.function.__doc__ or "").partition("\n\n")
        return " ".join(first.split()), rest

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """What may be asked, in the order of the signature."""
        hints = typing.get_type_hints(self.function, include_extras=True)
        signature = inspect.signature(self.function)
        found = [
            _argument(name, hints[name], given.default)
            for name, given in signature.parameters.items()
            if given.kind is inspect.Parameter.KEYWORD_ONLY
        ]
        if self.has_history:
            found.append(_argument(KNOWN_AT, KnownAt, None))
        return tuple(found)

    @cached_property
    def outward(self) -> Mapping[str, str]:
        """What addresses call each parameter, by its name in Python."""
        return {one.name: one.outward for one in self.arguments}

    @cached_property
    def answers(self) -> tuple[type[Answer], ...]:
        """The types of answer that come back; several where it depends on what is asked."""
        hint = typing.get_type_hints(self.function)["return"]
        several = get_origin(hint) in (Union, types.UnionType)
        return tuple(one for one in (get_args(hint) if several else (hint,)) if is_answer(one))

    def takes(self, name: str) -> bool:
        """Whether it has a parameter that addresses call so."""
        return name in self.outward.values()

    def read(self, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Arguments from an address or the command line.

        Raises
        ------
        UsageError
            If a name is unknown, or a text is no value of its parameter.
        """
        known = {one.outward: one for one in self.arguments}
        texts: dict[str, list[str]] = {}
        for name, text in pairs:
            if name not in known:
                raise self.unknown(name)
            texts.setdefault(name, []).append(text)
        return {known[name].name: known[name].read(found) for name, found in texts.items()}

    def unknown(self, name: str, *others: str) -> UsageError:
        """The error of a parameter that it does not take; `others` are taken beside its own."""
        now = (one.outward for one in self.arguments if name in one.param.formerly)
        known = [*(one.outward for one in self.arguments), *others]
        return unknown_parameter(name, known, now=next(now, ""))

    def ask(self, company: Any, **given: Any) -> T:
        """Its answer, once what is asked has been checked.

        Parameters
        ----------
        company : Reader
        **given
            By the names of the signature; `known_at` uses the data as it was loaded at that time.

        Raises
        ------
        UsageError
            If a name or a value is none of its own.
        """
        known = {one.name: one for one in self.arguments}
        for name, value in given.items():
            if name not in known:
                raise unknown_parameter(name, known)
            known[name].check(value)
        missing = [
            one.outward for one in self.arguments if one.is_required and one.name not in given
        ]
        if missing:
            raise UsageError(
                f"'{missing[0]}' is missing.",
                hint=f"'{self.name}' needs {', '.join(missing)}.",
                parameter=missing[0],
            )
        instant = given.pop(KNOWN_AT, None)
        if not instant:
            _check_values(company, given)
            return self._answer(company, given)
        earlier = company.known_at(instant)
        _check_values(earlier, given)
        return typing.cast(T, with_notes(self._answer(earlier, given), earlier.notes()))

    def _answer(self, company: Any, given: Mapping[str, Any]) -> T:
        answer: Callable[..., T] = self.function
        # Here alone: page, twin, CSV and API show what comes out of it.
        return seen(filled(company, answer(company, **given)))

    def __repr__(self) -> str:
        return f"<Insight {self.name}>"


def insight(
    name: str,
    *,
    aliases: tuple[str, ...] = (),
    page: str = "",
    comes_from: str = "",
    needs: str = "subscriptions",
    has_history: bool = True,
    permission: Permission = Permission.READ,
) -> Callable[[Callable[P, T]], Insight[P, T]]:
    """Declare a function as an insight; see `Insight` for what may be said of it."""

    def declare(function: Callable[P, T]) -> Insight[P, T]:
        return Insight(
            function, name=name, aliases=aliases, page=page, comes_from=comes_from, needs=needs,
            has_history=has_history, permission=permission,
        )

    return declare


def _check_values(company: Any, given: Mapping[str, Any]) -> None:
    """Raise for a value of `where` that nothing has."""
    if given.get(WHERE):
        company.check_filters(filters_of(given[WHERE]))


def unknown_parameter(name: str, known: Collection[str], *, now: str = "") -> UsageError:
    """The error of a parameter that is none; `now` is what it is called since it was renamed."""
    near = f" Did you mean '{now}'?" if now else did_you_mean(name, known)
    return UsageError(
        f"Unknown parameter '{name}'.{near}",
        hint=f"Known: {', '.join(dict.fromkeys(known)) or 'none'}",
        parameter=name,
    )


def _argument(name: str, hint: Any, default: Any) -> Argument:
    marks: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *found = get_args(hint)
        marks = tuple(found)
    param = next((mark for mark in reversed(marks) if isinstance(mark, Param)), Param(""))
    kind, is_many = _kind_of(hint)
    is_required = default is inspect.Parameter.empty
    return Argument(
        name, param.name or name, param, kind, is_many, is_required,
        None if is_required else default,
    )


def _kind_of(hint: Any) -> tuple[type, bool]:
    """The type of one value, and whether several are taken.

    Of `str | Sequence[…]` it is the text: what several values look like in one.
    """
    if get_origin(hint) in (Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not type(None)]
        return next((_kind_of(part) for part in parts if part in (str, int, float, bool)),
                    _kind_of(parts[0]))
    if isinstance(hint, type) and not get_origin(hint):
        return hint, False
    (inner, *_) = get_args(hint)
    return _kind_of(inner)[0], True


KnownAt = Annotated[
    str | None,
    Param(N_("Use the data as it was loaded at this time."), metavar="INSTANT",
          examples="2026-07-31T18:00"),
]
