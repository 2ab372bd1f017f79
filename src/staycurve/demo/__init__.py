"""A seeded synthetic company that exercises every conformed table."""

from staycurve.demo.company import PROJECT_TOML, write_company
from staycurve.demo.planted import Cause
from staycurve.demo.truth import Truth

__all__ = ["PROJECT_TOML", "Cause", "Truth", "write_company"]
