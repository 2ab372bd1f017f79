"""Mails that [retention] no longer allows to be kept as they were: blanked in app state."""

from __future__ import annotations

import datetime as dt

from staycurve.state import mails
from staycurve.state.database import Database
from staycurve.tables.person.files import compact


def expire_mails(
    database: Database, before: dt.datetime, *, is_dry_run: bool
) -> dict[str, int]:
    """Blank what mails said that ended before an instant; `mails` → how many, or nothing.

    Parameters
    ----------
    before : datetime
        UTC, without zone.
    is_dry_run : bool
        Whether to count only.
    """
    if not database.is_there:
        return {}
    at = before.replace(tzinfo=dt.UTC)
    with database.reading() as session:
        found = mails.expired_count(session, at)
    if not found or is_dry_run:
        return {"mails": found} if found else {}
    with database.writing() as session:
        found = mails.expire(session, at)
    # What they said lies in free pages until the table is built anew.
    database.vacuum({"mails"})
    if database.file is not None:
        compact(database.file)
    return {"mails": found} if found else {}
