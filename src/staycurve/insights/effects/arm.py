"""Arm: one account of an experiment whose arms were drawn and kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Arm:
    """Whether nothing is done for an account, and since when it takes part."""

    account_id: str
    is_held_out: bool
    stratum: str
    entered_on: dt.date
