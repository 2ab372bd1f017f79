"""The attribute that tells which arm somebody is in, where arms were drawn elsewhere."""

from __future__ import annotations

import json
from typing import Any


def text_of(name: str, channel: str | None, attributes: str | None) -> str | None:
    """The value of a column or attribute as text, as it would be written in staycurve.toml."""
    if name == "channel":
        return channel
    value: Any = json.loads(attributes).get(name) if attributes else None
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
