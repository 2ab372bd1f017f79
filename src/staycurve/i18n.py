"""Markers for text that people read, so that it can be translated where it is shown."""

from __future__ import annotations


def N_(text: str) -> str:
    """Mark `text` for extraction; it is returned as it is and translated when it is shown."""
    return text
