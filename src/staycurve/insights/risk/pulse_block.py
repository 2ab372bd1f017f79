"""The block of the pulse, which is filled in beside the tables."""

from __future__ import annotations

from staycurve.config import Config
from staycurve.insights.risk.feature import Block, Days


def _pulse(config: Config, days: Days) -> str:
    del config, days
    # Pulses are kept in app state, which no statement sees: frames fill the column in.
    return """
SELECT account_id, day, CAST(NULL AS DOUBLE) AS pulse FROM base WHERE 1 = 0
"""


PULSE = Block("pulse_given", _pulse)
