"""Outside systems that are synced: the sections [sources.NAME]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staycurve.i18n import N_
from staycurve.sections import Section

_NONE: Mapping[str, Mapping[str, Any]] = {}

OUTSIDE_SYSTEMS = Section(
    "sources",
    dict[str, dict[str, Any]],
    _NONE,
    N_("Outside systems that are synced; each kind knows its own keys."),
    '[sources.stripe]\nkind = "stripe"',
)
