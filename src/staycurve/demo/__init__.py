"""A seeded synthetic company that exercises every conformed table."""

from staycurve.demo.company import PROJECT_TOML, write_company
from staycurve.demo.truth import Cause, Truth

__all__ = ["PROJECT_TOML", "Cause", "Truth", "write_company"]
