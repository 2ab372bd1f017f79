"""Texts that people read, in the language of the request."""

from __future__ import annotations

from contextvars import ContextVar
from gettext import NullTranslations

_CHOSEN: ContextVar[NullTranslations | None] = ContextVar("translations", default=None)
_ENGLISH = NullTranslations()


def use(translations: NullTranslations) -> None:
    """Translate with these from now on, in this request alone."""
    _CHOSEN.set(translations)


def _(text: str) -> str:
    """`text` in the language of the request."""
    return (_CHOSEN.get() or _ENGLISH).gettext(text)


def plural(one: str, many: str, count: int) -> str:
    """`one` or `many`, as the language of the request counts."""
    return (_CHOSEN.get() or _ENGLISH).ngettext(one, many, count)
