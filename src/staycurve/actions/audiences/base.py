"""Audience: a rule that says who is in it, and for what its members may be written to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from staycurve.actions.audiences.places import PREFIX, files
from staycurve.actions.channels.named import named_channels
from staycurve.actions.channels.settings import CHANNELS
from staycurve.actions.facts.base import FLAG, Moment, kind_of
from staycurve.actions.rules.conditions import Rule, matching, rule_of
from staycurve.actions.rules.documents import Document, RuleError, read_file
from staycurve.errors import UnknownNameError, did_you_mean
from staycurve.insights.shared.reader import Reader

KEYS = ("title", "about", "when", "when_any", "consent", "channels")


@dataclass(frozen=True)
class Audience:
    """One audience, read and checked.

    Attributes
    ----------
    consent : str
        The attribute of a user that must be true for them to be written to; empty for none.
    channels : tuple of str
        Webhooks that are told who comes into it and who leaves it.
    digest : str
        Changes with the rule, and with those of the audiences that it names.
    """

    name: str
    file: str
    title: str
    about: str
    rule: Rule
    consent: str = ""
    channels: tuple[str, ...] = ()
    is_shipped: bool = False
    digest: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """The audiences that its rule names."""
        return tuple(
            one.removeprefix(PREFIX) for one in self.rule.facts if one.startswith(PREFIX)
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "audience": self.name, "title": self.title, "about": self.about,
            "rule": self.rule.words(), "consent": self.consent or None,
            "channels": list(self.channels),
            "is_shipped": self.is_shipped, "file": self.file,
        }


def read_all(company: Reader) -> dict[str, Audience]:
    """Every audience by name; one of the project's own takes the place of a shipped one.

    Raises
    ------
    RuleError
        With file and line: for what cannot be followed, and for an audience that rests on itself.
    """
    documents: dict[str, Document] = {}
    found: dict[str, Audience] = {}
    for file, shown in files(company.folder):
        document = read_file(file, shown)
        documents[file.stem] = document
        found[file.stem] = _audience_of(document, file.stem, company, is_shipped=file.name == shown)
    for name in sorted(found):
        _check_named(name, found, documents)
    return {name: _whole(found[name], found) for name in sorted(found)}


def _audience_of(
    document: Document, name: str, company: Reader, *, is_shipped: bool
) -> Audience:
    own = document.values
    document.closed(own, KEYS)
    # Which audiences there are is looked at together with the ways between them.
    rule = rule_of(
        document, lambda fact: FLAG if fact.startswith(PREFIX) else kind_of(company, fact)
    )
    return Audience(
        name, document.file, document.text(own, "title"), document.text(own, "about", default=""),
        rule, document.text(own, "consent", default=""),
        named_channels(document, company.config[CHANNELS], only="webhook"), is_shipped,
    )


def _check_named(
    name: str, found: Mapping[str, Audience], documents: Mapping[str, Document]
) -> None:
    """Refuse names of no audience, and ways that lead from an audience to itself."""
    def line(own: Audience, named: str) -> tuple[str, int, str]:
        for key in ("when", "when_any"):
            for place, one in enumerate(documents[own.name].tables(key)):
                if one.get("fact") == f"{PREFIX}{named}":
                    return key, place, "fact"
        return "when", 0, "fact"

    def walk(own: Audience, way: Sequence[str]) -> None:
        for named in own.named:
            document = documents[own.name]
            if named not in found:
                raise document.wrong(
                    line(own, named), f"there is no audience '{named}'."
                    f"{did_you_mean(named, found)}", f"Known: {', '.join(sorted(found))}",
                )
            if named in way:
                loop = " → ".join((*way[way.index(named):], named))
                raise document.wrong(
                    line(own, named), f"the audience '{named}' rests on itself: {loop}.",
                    "Let one of them name none of the others.",
                )
            walk(found[named], (*way, named))

    walk(found[name], (name,))


def _whole(own: Audience, found: Mapping[str, Audience]) -> Audience:
    def words(one: Audience) -> str:
        return one.rule.words() + "".join(words(found[name]) for name in one.named)

    digest = hashlib.sha256(words(own).encode()).hexdigest()[:16]
    return replace(own, digest=digest)


def get(audiences: Mapping[str, Audience], name: str) -> Audience:
    """The audience of a name.

    Raises
    ------
    UnknownNameError
        If there is none.
    """
    if name not in audiences:
        raise UnknownNameError("audience", name, audiences,
                               hint="All audiences: staycurve audiences list")
    return audiences[name]


def members(
    audience: Audience, moment: Moment, *, inside: frozenset[str] = frozenset()
) -> list[str]:
    """Who is in an audience as of the moment, by id.

    Those of other audiences that it names are facts of the moment.
    """
    return matching(audience.rule, moment, inside=inside)


__all__ = ["Audience", "RuleError", "get", "members", "read_all"]
