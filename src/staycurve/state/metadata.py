"""Metadata: every table of app state, of whichever theme."""

from __future__ import annotations

import importlib
import pkgutil

from sqlalchemy import MetaData

from staycurve import state
from staycurve.state.models import Base


def metadata() -> MetaData:
    """The tables of every module whose name ends in `_models`, and of `models`."""
    for found in pkgutil.iter_modules(state.__path__):
        if found.name.endswith("_models"):
            importlib.import_module(f"{state.__name__}.{found.name}")
    return Base.metadata
