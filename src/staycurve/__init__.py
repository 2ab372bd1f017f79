"""staycurve follows a SaaS company's customers from first visit to renewal.

The way of the data, which is also the way down which imports go::

    sources → tables → metrics → insights → actions → interfaces

>>> import staycurve
>>> company = staycurve.open("acme")
>>> company.show("nrr", by="plan", start="2024-01").df
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from staycurve.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from staycurve.workspace import Company

__version__ = VERSION


def open(folder: str | Path) -> Company:
    """The company whose project directory is `folder`.

    Raises
    ------
    ProjectError
        If the directory is not a project, or was written by a newer version.
    """
    import datetime
    from pathlib import Path

    from staycurve.workspace import Company

    return Company(Path(folder), clock=lambda: datetime.datetime.now(datetime.UTC))
