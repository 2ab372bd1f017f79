"""Permission: what one must be allowed to do, as pages, insights, routes and changes declare it."""

from __future__ import annotations

from enum import Enum

from staycurve.i18n import N_


class Permission(Enum):
    """One thing that a role allows. Which role allows which: `staycurve.interfaces.access`."""

    READ = "read"
    SAVE = "save"
    OPERATE = "operate"
    PERSONAL = "personal"
    ADMINISTER = "administer"

    @property
    def about(self) -> str:
        """What it allows, in a few words."""
        return _ABOUT[self]


_ABOUT = {
    Permission.READ: N_("See and export figures, accounts and settings"),
    Permission.SAVE: N_("Save views, write annotations"),
    Permission.OPERATE: N_("Load data, set goals, change anything else"),
    Permission.PERSONAL: N_("See and export personal data"),
    Permission.ADMINISTER: N_("Manage people and keys, read the audit log"),
}

ROLES = ("viewer", "analyst", "operator", "admin")
"""What a person, or a key of the API, can be; each may do what those before it may."""


_OF_VIEWER = frozenset({Permission.READ})
_OF_ANALYST = _OF_VIEWER | {Permission.SAVE}
_OF_OPERATOR = _OF_ANALYST | {Permission.OPERATE, Permission.PERSONAL}
ALLOWS: dict[str, frozenset[Permission]] = dict(zip(
    ROLES, (_OF_VIEWER, _OF_ANALYST, _OF_OPERATOR, frozenset(Permission)), strict=True
))
"""Role → what it allows."""
