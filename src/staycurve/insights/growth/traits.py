"""Traits: what kind of customer an account is, as columns beside the features of its days.

Industry, country, channel and employees are as they are today; other attributes stay out, since one
that follows an upgrade, such as a status, would tell it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staycurve.insights.risk.frames import Frame
from staycurve.insights.shared.account_facts import SIZES
from staycurve.tables.engine import AnyEngine

if TYPE_CHECKING:
    import numpy as np

NAMED = ("industry", "country", "channel")
MOST = 8
"""Values of a trait that are told apart, the most frequent ones."""
LEAST = 20
"""Accounts that a value must have: of fewer, one account moves a share by over five points."""


@dataclass(frozen=True)
class Traits:
    """Traits of the accounts that had paid by a day.

    Attributes
    ----------
    account_ids : array of str, shape (a,)
        Ascending.
    values : mapping
        Trait → array of object, shape (a,); None where it is not known.
    frequent : mapping
        Trait → the values that are told apart.
    """

    account_ids: np.ndarray
    values: Mapping[str, np.ndarray]
    frequent: Mapping[str, tuple[str, ...]]

    def of(self, accounts: np.ndarray) -> dict[str, np.ndarray]:
        """Trait → the values of some accounts, in their order."""
        import numpy as np

        if not len(self.account_ids):
            return {name: np.full(len(accounts), None) for name in self.values}
        own = accounts.astype(str)
        places = np.searchsorted(self.account_ids, own).clip(0, len(self.account_ids) - 1)
        is_unknown = self.account_ids[places] != own
        found = {}
        for name, values in self.values.items():
            found[name] = values[places]
            found[name][is_unknown] = None
        return found

    def beside(self, frame: Frame) -> Frame:
        """The frame with a column of 1, 0 or NaN for each frequent value, such as
        `industry: Software`."""
        import numpy as np

        columns = dict(frame.values)
        for name, own in self.of(frame.account_ids).items():
            is_unknown = np.array([value is None for value in own], dtype=bool)
            for value in self.frequent[name]:
                flags = (own == value).astype(np.float32)
                flags[is_unknown] = np.nan
                columns[name_of(name, value)] = flags
        return dataclasses.replace(frame, values=columns)


def name_of(trait: str, value: str) -> str:
    """What a column of a trait is called."""
    return f"{trait}: {value}"


def traits_of(engine: AnyEngine, day: dt.date) -> Traits:
    """The traits of every account that had paid by a day."""
    import numpy as np

    sizes = " ".join(f"WHEN a.employees >= {low} THEN '{label}'" for low, label in reversed(SIZES))
    table: Any = engine.arrow(f"""SELECT a.account_id, a.industry, a.country, a.channel,
       CASE {sizes} END AS employees
FROM accounts a
JOIN (
    SELECT DISTINCT account_id FROM mrr_movements WHERE after > 0 AND day <= DATE '{day}'
) p ON p.account_id = a.account_id
ORDER BY a.account_id""")
    accounts = table["account_id"].to_numpy().astype(str)
    # By code point, as numpy compares: an engine may sort otherwise.
    order = np.argsort(accounts, kind="stable")
    values = {}
    for name in (*NAMED, "employees"):
        own = table[name].to_numpy().astype(object)[order]
        own[np.array([not value for value in own], dtype=bool)] = None
        values[name] = own
    return Traits(
        accounts[order], values, {name: _frequent(own) for name, own in values.items()}
    )


def _frequent(values: np.ndarray) -> tuple[str, ...]:
    from collections import Counter

    counts = Counter(value for value in values if value is not None)
    known = [value for value in counts if counts[value] >= LEAST]
    found = sorted(known, key=lambda value: (-counts[value], value))[:MOST]
    # A trait that is the same for everybody tells nobody apart.
    return tuple(sorted(found)) if len(counts) > 1 else ()
