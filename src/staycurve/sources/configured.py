"""The sections [sources.NAME] of staycurve.toml: each is read by the kind that it names."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from staycurve.config import Config
from staycurve.errors import ConfigError, UnknownNameError
from staycurve.i18n import N_
from staycurve.section_faults import FILE_NAME, Wrong, fault, fields_of, near, shown, translated
from staycurve.sections import Section
from staycurve.sources.base import SOURCES, Sender, Source
from staycurve.sources.match_keys import FIELDS, MatchKey

_EVERY = re.compile(r"([1-9][0-9]{0,3})\s*([mhd])")
_UNITS = {"m": 60, "h": 3600, "d": 86_400}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Configured:
    """One outside system, as staycurve.toml has it.

    Attributes
    ----------
    name : str
        What stands behind `sources.` in its section.
    settings : object
        Its section, as the model of its kind reads it.
    every : int, optional
        Seconds between two syncs while the server runs; None leaves it to people.
    match : tuple of MatchKey
        By what its accounts are looked for among those of other sources; empty where by nothing.
    """

    name: str
    source: Source[Any]
    settings: Any
    every: int | None = None
    match: tuple[MatchKey, ...] = ()

    @property
    def senders(self) -> tuple[Sender, ...]:
        """One for each stream, in the order of syncing."""
        return tuple(
            Sender(self.name, self.source.name, stream) for stream in self.source.streams
        )


_NONE: Mapping[str, Configured] = {}


@dataclass(frozen=True, eq=False)
class _Sources(Section[Mapping[str, Configured]]):
    """The section whose tables are read by the kinds that they name."""

    def read(self, given: object) -> tuple[Mapping[str, Configured], list[ConfigError]]:
        """What the file says, and what is wrong with it; the default where anything is."""
        tables: Any
        tables, wrong = super().read(given)
        if wrong:
            return self.default, wrong
        found: dict[str, Configured] = {}
        for name, keys in tables.items():
            one = _read(name, dict(keys))
            if isinstance(one, Configured):
                found[name] = one
            else:
                wrong += one
        return (self.default, wrong) if wrong else (found, [])


def _read(name: str, keys: dict[str, Any]) -> Configured | list[ConfigError]:
    section = f"sources.{name}"
    if not _NAME.fullmatch(name):
        return [fault(
            "sources", (name,), "is no name of a source: letters, digits, _ and -, at most 40.",
            "Write: [sources.crm]",
        )]
    kind = keys.pop("kind", None)
    every = keys.pop("every", None)
    if every is not None and _seconds(every) is None:
        text = f"= {shown(every)} is no time between two syncs, at least a minute."
        return [fault(section, ("every",), text, 'Write: every = "15m"   (or "1h", "1d")')]
    match = keys.pop("match", [])
    named = _match(match)
    if named is None:
        text = f"= {shown(match)} is no list of keys that accounts are matched by."
        hint = f'Write: match = ["id", "domain", "email"]   ({", ".join(FIELDS)}, or id:FIELD)'
        return [fault(section, ("match",), text, hint)]
    if kind is None:
        listed = ", ".join(SOURCES)
        return [ConfigError(
            f"{FILE_NAME}: [{section}] needs kind.", hint=f"Write: kind = …   Known: {listed}",
            key="kind", place=f"[{section}] kind",
        )]
    if not isinstance(kind, str):
        text = f"takes the name of a kind of source, not {shown(kind)}."
        return [fault(section, ("kind",), text, f"Known: {', '.join(SOURCES)}")]
    try:
        source = SOURCES[kind]
    except UnknownNameError:
        text = f"= {shown(kind)} is not a kind of source.{near(kind, SOURCES)}"
        return [fault(section, ("kind",), text, f"Known: {', '.join(SOURCES)}")]
    found = _settings(name, section, source, keys)
    if isinstance(found, Configured):
        return replace(found, every=None if every is None else _seconds(every), match=named)
    return found


def _match(given: object) -> tuple[MatchKey, ...] | None:
    """The keys that `match` names; None where it names something else."""
    if not isinstance(given, list):
        return None
    found = [MatchKey.of(one) if isinstance(one, str) else None for one in given]
    keys = tuple(one for one in found if one is not None)
    return keys if len(keys) == len(found) else None


def _seconds(every: object) -> int | None:
    """Seconds of a time such as 15m, 1h or 1d; None for anything else."""
    found = _EVERY.fullmatch(every.strip()) if isinstance(every, str) else None
    return int(found[1]) * _UNITS[found[2]] if found else None


def _settings(
    name: str, section: str, source: Source[Any], keys: Mapping[str, Any]
) -> Configured | list[ConfigError]:
    from pydantic import ValidationError

    try:
        settings = _adapter(source).validate_python(keys)
        if source.check:
            source.check(settings)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        found = translated(section, source.settings, keys, errors, example=source.example)
        return [_with_kind(one, source) for one in found]
    except Wrong as wrong:
        path = (wrong.key,) if wrong.key else ()
        return [fault(section, path, wrong.text, wrong.hint or f"Write: {source.example}")]
    return Configured(name, source, settings)


def _with_kind(error: ConfigError, source: Source[Any]) -> ConfigError:
    """The same error; where it lists the keys that are known, `kind` is one of them."""
    known = ", ".join(fields_of(source.settings))
    if error.hint != f"Known here: {known}":
        return error
    every = f"Known here: kind, every, match, {known}"
    return ConfigError(error.message, hint=every, **error.fields)


@functools.cache
def _adapter(source: Source[Any]) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(source.settings)


CONFIGURED: Section[Mapping[str, Configured]] = _Sources(
    "sources",
    dict[str, dict[str, Any]],
    _NONE,
    N_("Outside systems that are synced; each kind knows its own keys."),
    '[sources.exports]\nkind = "files"\nfolder = "exports"',
)


def configured(config: Config) -> Mapping[str, Configured]:
    """Every source of a configuration, by its name, in the order of the file."""
    return config[CONFIGURED]


def configured_as(config: Config, name: str) -> Configured:
    """The source of this name.

    Raises
    ------
    UnknownNameError
        With the nearest that there is.
    """
    found = configured(config)
    if name not in found:
        hint = "" if found else 'No source is configured. Write: [sources.exports] kind = "files"'
        raise UnknownNameError("source", name, found, hint=hint)
    return found[name]
