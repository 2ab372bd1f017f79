"""Channels that a playbook or an audience names."""

from __future__ import annotations

from collections.abc import Mapping

from staycurve.actions.channels.settings import Channel
from staycurve.actions.rules.documents import Document
from staycurve.errors import did_you_mean


def named_channels(
    document: Document, channels: Mapping[str, Channel], *, only: str = ""
) -> tuple[str, ...]:
    """The channels that a file names; `only` is the one kind that it may name.

    Raises
    ------
    RuleError
        With the line, for one that staycurve.toml does not have: nobody would hear of anything.
    """
    named = document.texts(document.values, "channels")
    for one in named:
        if one not in channels:
            raise document.wrong(
                ("channels",), f"there is no channel '{one}'.{did_you_mean(one, channels)}",
                f"Known: {', '.join(channels)}" if channels
                else f"Write in staycurve.toml: [channels.{one}]",
            )
        if only and channels[one].kind != only:
            raise document.wrong(
                ("channels",), f"the channel '{one}' is no {only}.",
                f'Its kind in staycurve.toml must be "{only}".',
            )
    return named
