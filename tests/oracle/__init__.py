"""A second computation of the company's numbers, day by day and by brute force.

The oracle shares no code with the package under test. It reads the conformed tables as plain
rows, holds every amount as an integer of micro-units (10⁻⁶ of the major unit) or as an exact
fraction, and walks every day of every account. It is slow and short, so that it can be believed.
"""

from .oracle import Oracle

__all__ = ["Oracle"]
