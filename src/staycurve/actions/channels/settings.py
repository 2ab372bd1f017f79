"""What staycurve.toml says of channels: [channels.NAME]."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staycurve.errors import ConfigError
from staycurve.i18n import N_
from staycurve.sections import Section, Wrong, near

KINDS = {
    "notify": N_("a message, through apprise: Slack, Teams, mail and others"),
    "webhook": N_("a signed request to a program"),
}
_KEYS = ("kind", "url", "secret", "allow_private")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_HINT = '[channels.NAME] kind = "webhook" url = {env = "HOOK_URL"} secret = {env = "HOOK_SECRET"}'


@dataclass(frozen=True)
class Channel:
    """One way out.

    Attributes
    ----------
    kind : str
        One of KINDS.
    url, secret : str
        A text, or `env:NAME` for an environment variable.
    may_be_private : bool
        Whether an address within our own network may be asked.
    """

    name: str
    kind: str
    url: str
    secret: str = ""
    may_be_private: bool = False

    def read(self, key: str) -> str:
        """`url` or `secret` as it is.

        Raises
        ------
        ConfigError
            If the environment variable is not set.
        """
        return revealed(getattr(self, key), f"[channels.{self.name}] {key}")


def revealed(text: str, place: str) -> str:
    """A text as it is, or what the environment variable holds that it names.

    Raises
    ------
    ConfigError
        If the variable is not set.
    """
    if not text.startswith("env:"):
        return text
    found = os.environ.get(text[4:], "")
    if not found:
        raise ConfigError(
            f"staycurve.toml: {place} takes the environment variable {text[4:]}, which is not set.",
            hint=f"Set {text[4:]} where staycurve runs.",
        )
    return found


def read_secret(name: str, key: str, value: object) -> str:
    """A text, or `env:NAME` for { env = "NAME" }; raises `Wrong` for anything else."""
    if isinstance(value, Mapping) and list(value) == ["env"] and isinstance(value["env"], str):
        return f"env:{value['env']}"
    if isinstance(value, str) and value and not value.startswith("env:"):
        return value
    raise Wrong(f"{name}: {key} takes a text or {{env = \"NAME\"}}.", _HINT, name)


def _channels(given: Mapping[str, Any]) -> dict[str, Channel]:
    found = {}
    for name, table in given.items():
        if not _NAME.fullmatch(name):
            raise Wrong(f"has a channel '{name}': names are small letters, digits, - and _.", _HINT,
                        name)
        if not isinstance(table, Mapping):
            raise Wrong(f"{name} takes a table.", _HINT, name)
        for key in table:
            if key not in _KEYS:
                raise Wrong(f"{name}: {key} is not known.{near(key, _KEYS)}", _HINT, name)
        kind = table.get("kind", "notify")
        if kind not in KINDS:
            raise Wrong(f"{name}: kind is one of {', '.join(KINDS)}.", _HINT, name)
        private = table.get("allow_private", False)
        if not isinstance(private, bool):
            raise Wrong(f"{name}: allow_private takes true or false.", _HINT, name)
        secret = read_secret(name, "secret", table["secret"]) if "secret" in table else ""
        if kind == "webhook" and not secret:
            raise Wrong(f"{name}: a webhook needs a secret to sign with.", _HINT, name)
        url = read_secret(name, "url", table.get("url"))
        found[name] = Channel(name, kind, url, secret, private)
    return found


_NONE: Mapping[str, Channel] = {}
CHANNELS: Section[Mapping[str, Channel]] = Section(
    "channels", dict[str, Any], _NONE,
    N_("Where messages and webhooks go: Slack, Teams, mail, a program."),
    '[channels.team]\nkind = "notify"\nurl = {env = "TEAM_URL"}', make=_channels,
)
