"""Kinds of sources are found by their text; nothing that declares one is missed."""

from __future__ import annotations

import importlib
import pkgutil

from staycurve import sources
from staycurve.sources.base import SOURCES, Source


def test_every_source_that_a_module_declares_is_found() -> None:
    modules = [
        importlib.import_module(one.name)
        for one in pkgutil.walk_packages(sources.__path__, "staycurve.sources.") if not one.ispkg
    ]
    declared = {
        value.name for module in modules for value in vars(module).values()
        if isinstance(value, Source)
    }
    assert len(declared) > 10
    assert declared <= set(SOURCES)
