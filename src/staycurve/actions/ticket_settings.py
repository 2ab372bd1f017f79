"""Help desks to which playbooks hand alerts: the section [tickets.NAME] of staycurve.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staycurve.actions.channels.settings import Channel, read_secret, revealed
from staycurve.errors import ConfigError
from staycurve.i18n import N_
from staycurve.mail_settings import Mail, is_address
from staycurve.sections import Section, Wrong, near

_KEYS = ("channel", "email", "secret", "source")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_HINT = '[tickets.desk] channel = "desk" secret = {env = "DESK_SECRET"}'


@dataclass(frozen=True)
class HelpDesk:
    """A help desk.

    Attributes
    ----------
    channel : str
        The webhook of [channels] by which tickets are asked for; empty where mail is.
    email : str
        The address to which tickets are mailed; empty where a channel is used.
    secret : str
        What the desk signs its webhooks with: a text, or `env:NAME`; empty where it sends none.
    source : str
        The source of the tickets table whose ticket_id begin with it, such as zendesk.
    """

    name: str
    channel: str = ""
    email: str = ""
    secret: str = ""
    source: str = ""

    def read_secret(self) -> str:
        """The secret as it is.

        Raises
        ------
        ConfigError
            If its environment variable is not set.
        """
        return revealed(self.secret, f"[tickets.{self.name}] secret")

    def ids(self, reference: str) -> tuple[str, ...]:
        """The ticket_id that a ticket of this reference may have in the tickets table."""
        return (f"{self.source}:{reference}", reference) if self.source else (reference,)

    def check(self, channels: Mapping[str, Channel], mail: Mail) -> None:
        """Refuse a desk that nothing could reach.

        Raises
        ------
        ConfigError
            If its channel is no webhook of [channels], or no mail server is set.
        """
        own = channels.get(self.channel) if self.channel else None
        if self.channel and (own is None or own.kind != "webhook"):
            raise ConfigError(
                f"staycurve.toml: [tickets.{self.name}] channel names '{self.channel}', which is "
                "no webhook of [channels].",
                hint=f'Write: [channels.{self.channel}] kind = "webhook"',
            )
        if self.email and not mail.host:
            raise ConfigError(
                f"staycurve.toml: [tickets.{self.name}] goes by mail, and [mail] names no server.",
                hint='Write: [mail] host = "smtp.example.com"',
            )


def _desks(given: Mapping[str, Any]) -> dict[str, HelpDesk]:
    found = {}
    for name, table in given.items():
        if not _NAME.fullmatch(name):
            raise Wrong(f"has a help desk '{name}': names are small letters, digits, - and _.",
                        _HINT, name)
        if not isinstance(table, Mapping):
            raise Wrong(f"{name} takes a table.", _HINT, name)
        for key in table:
            if key not in _KEYS:
                raise Wrong(f"{name}: {key} is not known.{near(key, _KEYS)}", _HINT, name)
        texts = {key: table.get(key, "") for key in ("channel", "email", "source")}
        if not all(isinstance(one, str) for one in texts.values()):
            raise Wrong(f"{name}: channel, email and source take texts.", _HINT, name)
        if bool(texts["channel"]) == bool(texts["email"]):
            raise Wrong(f"{name}: tickets go by a channel or by email; write one of both.", _HINT,
                        name)
        if texts["email"] and not is_address(texts["email"]):
            raise Wrong(f"{name}: email is not an address.", 'Write: email = "help@example.com"',
                        name)
        secret = read_secret(name, "secret", table["secret"]) if "secret" in table else ""
        found[name] = HelpDesk(name, secret=secret, **texts)
    return found


_NONE: Mapping[str, HelpDesk] = {}
TICKETS: Section[Mapping[str, HelpDesk]] = Section(
    "tickets", dict[str, Any], _NONE,
    N_("Help desks to which playbooks hand alerts as tickets, by webhook or mail."),
    '[tickets.desk]\nchannel = "desk"\nsecret = {env = "DESK_SECRET"}', make=_desks,
)
