"""Playbooks read from their files: those that are shipped, and the project's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter

from staycurve.actions.channels.named import named_channels
from staycurve.actions.channels.settings import CHANNELS, Channel
from staycurve.actions.facts.base import kind_of
from staycurve.actions.playbooks.base import (
    OUTCOMES,
    PLAYBOOKS,
    TYPES,
    Playbook,
    Step,
    Template,
)
from staycurve.actions.rules.conditions import Kinds, rule_of
from staycurve.actions.rules.documents import Document, RuleError, read_file
from staycurve.actions.ticket_settings import TICKETS
from staycurve.errors import StaycurveError, UnknownNameError
from staycurve.insights.shared.reader import Reader

FOLDER = "playbooks"
KEYS = (
    "title", "about", "type", "when", "when_any", "evidence", "chance", "can_do", "reasons",
    "act_within_days", "escalate_to", "again_after_days", "closes", "outcome", "tasks",
    "templates", "channels", "ticket", "is_on", "is_confirmed",
)
REASONS = ("helped", "not_reached", "no_action_needed", "false_alarm", "lost")
FIELDS = ("account_id", "name", "owner", "playbook", "opened_on")
"""What a template may name beside facts."""


@dataclass(frozen=True)
class Read:
    """What the files say: playbooks by name, and what is wrong with the others."""

    playbooks: tuple[Playbook, ...]
    faults: tuple[RuleError, ...] = ()

    def get(self, name: str) -> Playbook:
        """The playbook of a name.

        Raises
        ------
        UnknownNameError
            If there is none.
        """
        for one in self.playbooks:
            if one.name == name:
                return one
        raise UnknownNameError("playbook", name, [one.name for one in self.playbooks],
                               hint="All playbooks: staycurve playbooks list")


def read_all(company: Reader, *, off: Sequence[str] = ()) -> Read:
    """Every playbook; one of the project's own takes the place of a shipped one of its name.

    Parameters
    ----------
    off : sequence of str
        Names that are switched off.
    """
    found: dict[str, Playbook] = {}
    faults: list[RuleError] = []
    desks = list(company.config[TICKETS].keys())
    kinds: Kinds = lambda name: kind_of(company, name)  # noqa: E731
    shelves = [shelf for _name, shelf in PLAYBOOKS.items()]
    shipped = [(file, file.name) for shelf in shelves for file in shelf.files()]
    own = [
        (file, f"{FOLDER}/{file.name}")
        for file in sorted((company.folder / FOLDER).glob("*.toml"))
    ]
    for file, shown in [*shipped, *own]:
        is_shipped = (file, shown) in shipped
        try:
            one = playbook_of(
                read_file(file, shown), file.stem, kinds, channels=company.config[CHANNELS],
                is_shipped=is_shipped, desks=desks,
            )
        except RuleError as error:
            # What is shipped may speak of what is not loaded here: its rule is left out then.
            if not is_shipped:
                found.pop(file.stem, None)
                faults.append(error)
            continue
        found[one.name] = replace(one, is_on=False) if one.name in off else one
    return Read(tuple(found[name] for name in sorted(found)), tuple(faults))


def playbook_of(
    document: Document, name: str, kinds: Kinds, *, channels: Mapping[str, Channel],
    is_shipped: bool = False, desks: Sequence[str] = (),
) -> Playbook:
    """The playbook of a file.

    Parameters
    ----------
    desks : sequence of str
        The help desks of [tickets], of which it may name one.

    Raises
    ------
    RuleError
        With file and line, for the first thing that cannot be followed.
    """
    own = document.values
    document.closed(own, KEYS)
    rule = rule_of(document, kinds)
    evidence = document.texts(own, "evidence")
    _check_facts(document, evidence, ("evidence",), kinds)
    templates = _templates(document, kinds)
    outcome = document.table("outcome")
    document.closed(outcome, ("of", "within_days"), ("outcome",))
    reasons = document.texts(own, "reasons", default=REASONS)
    if not reasons or any(len(one) > 40 for one in reasons):
        raise document.wrong(("reasons",), "reasons takes a list of texts of 1 to 40 letters.",
                             'Write: reasons = ["helped", "false_alarm"]')
    return Playbook(
        name=name,
        file=document.file,
        title=document.text(own, "title"),
        about=document.text(own, "about", default=""),
        type=document.text(own, "type", choices=tuple(TYPES)),
        rule=rule,
        evidence=evidence,
        chance=_share(document, "chance", 0.2),
        can_do=_share(document, "can_do", 0.5),
        reasons=reasons,
        act_within_days=document.whole(own, "act_within_days", default=5, least=1, most=366),
        escalate_to=document.text(own, "escalate_to", default=""),
        again_after_days=document.whole(own, "again_after_days", default=30),
        closes=document.flag(own, "closes", default=False),
        outcome=document.text(outcome, "of", ("outcome",), default="", choices=("", *OUTCOMES)),
        outcome_days=document.whole(
            outcome, "within_days", ("outcome",), default=90, least=1, most=731
        ),
        steps=_steps(document, [one.name for one in templates]),
        templates=templates,
        channels=named_channels(document, channels),
        ticket=_ticket(document, desks),
        is_on=document.flag(own, "is_on", default=True),
        is_confirmed=document.flag(own, "is_confirmed", default=False),
        is_shipped=is_shipped,
        digest=hashlib.sha256(rule.words().encode()).hexdigest()[:16],
    )


def _ticket(document: Document, desks: Sequence[str]) -> str:
    found = document.text(document.values, "ticket", default="")
    if found and found not in desks:
        known = f"Known: {', '.join(desks)}" if desks else ""
        raise document.wrong(
            ("ticket",), f"there is no help desk '{found}' in [tickets] of staycurve.toml.",
            known or f"Write there: [tickets.{found}]",
        )
    return found


def _share(document: Document, key: str, default: float) -> float:
    found = document.number(document.values, key, default=default, most=1)
    return default if found is None else found


def _steps(document: Document, templates: Sequence[str]) -> tuple[Step, ...]:
    found = []
    for place, table in enumerate(document.tables("tasks")):
        path = ("tasks", place)
        document.closed(table, ("title", "due_in_days", "template"), path)
        template = document.text(table, "template", path, default="")
        if template and template not in templates:
            raise document.wrong(
                (*path, "template"), f"there is no template '{template}'.",
                f"Known: {', '.join(templates)}" if templates else f"Write: [templates.{template}]",
            )
        found.append(Step(
            document.text(table, "title", path),
            document.whole(table, "due_in_days", path, default=0, most=731), template,
        ))
    return tuple(found)


def _templates(document: Document, kinds: Kinds) -> tuple[Template, ...]:
    found = []
    for name, table in document.table("templates").items():
        path = ("templates", name)
        if not isinstance(table, dict):
            raise document.wrong(path, f"{name} takes a table.", f"Write: [templates.{name}]")
        document.closed(table, ("subject", "text"), path)
        subject, text = (document.text(table, key, path) for key in ("subject", "text"))
        fields = tuple(dict.fromkeys(_fields(document, path, subject + text)))
        _check_facts(document, [one for one in fields if one not in FIELDS], (*path, "text"), kinds)
        found.append(Template(name, subject, text, fields))
    return tuple(found)


def _fields(document: Document, path: tuple[str, str], text: str) -> Iterable[str]:
    try:
        for _text, field, spec, conversion in Formatter().parse(text):
            if field is None:
                continue
            if not field or spec or conversion:
                raise ValueError(f"{{{field}}} is no field")
            yield field
    except ValueError as error:
        raise document.wrong((*path, "text"), f"a field cannot be read: {error}.",
                             "Write {name}; a brace itself as {{ or }}.") from None


def _check_facts(
    document: Document, names: Iterable[str], path: tuple[str, ...], kinds: Kinds
) -> None:
    for name in names:
        try:
            kinds(name)
        except StaycurveError as error:
            raise document.wrong(path, error.message, error.hint) from error


def folder_of(company: Reader) -> Path:
    """Where the project's own playbooks lie."""
    return company.folder / FOLDER
