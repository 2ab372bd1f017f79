"""What doctor sees in product events: clocks, names and senders that make counts doubtful."""

from __future__ import annotations

from collections.abc import Iterator

from staycurve.insights.examination.findings import Finding, Patient
from staycurve.sources.inbox import FILE_NAME, waiting_in
from staycurve.tables.events import EVENTS

MANY_NAMES = 500
"""PostHog and Amplitude advise at most some hundreds of names; more usually hold an id or a URL."""
SKEWED_SHARE = 0.01


def clocks(patient: Patient) -> Iterator[Finding]:
    """Events that occurred after they were received, within what is tolerated."""
    if not _has_events(patient):
        return
    skewed = patient.count("SELECT COUNT(*) FROM events WHERE occurred_at > received_at")
    if skewed:
        of = patient.lake.rows(patient.snapshot, EVENTS.name)
        level = "warning" if skewed > SKEWED_SHARE * of else "note"
        hours = patient.config.behaviour.usage.future_tolerance
        yield Finding(
            level,
            "clock_skew",
            f"events: {skewed:,} of {of:,} occurred after they were received: their senders' "
            f"clocks run ahead, by {hours} at most. They count on the day that they name.",
            "[usage] future_tolerance sets how far is too far; see: staycurve rejects",
            skewed,
        )


def names(patient: Patient) -> Iterator[Finding]:
    """So many names of events that a name is likely to hold an id."""
    if not _has_events(patient):
        return
    found = patient.count("SELECT COUNT(DISTINCT feature) FROM usage_days")
    if found > MANY_NAMES:
        single = patient.count(
            "SELECT COUNT(*) FROM (SELECT feature FROM usage_days GROUP BY feature "
            "HAVING SUM(uses) = 1) once"
        )
        yield Finding(
            "warning",
            "event_names",
            f"events: {found:,} names, {single:,} of them used once: does a name hold an id or an "
            "address? Reports show the most used and count the rest.",
            'Let a property name the feature: [usage] feature = "feature"',
            found,
        )


def senders(patient: Patient) -> Iterator[Finding]:
    """Events that belong to nobody, or to no account."""
    if not _has_events(patient):
        return
    anonymous = patient.count(
        "SELECT COUNT(*) FROM events WHERE user_id IS NULL AND account_id IS NULL"
    )
    if anonymous:
        yield Finding(
            "note",
            "anonymous_events",
            f"events: {anonymous:,} have neither account nor user: they count for no user and no "
            "account.",
            "Send account_id or user_id with each event.",
            anonymous,
        )
    stray = patient.count(
        "SELECT COUNT(DISTINCT user_id) FROM usage_days "
        "WHERE account_id IS NULL AND user_id IS NOT NULL"
    )
    if stray:
        yield Finding(
            "warning",
            "users_without_account",
            f"events: {stray:,} users are in no account: they count as active users, and in no "
            "account's usage.",
            "Load users.csv (user_id, account_id), or send account_id with each event.",
            stray,
        )


def inbox(patient: Patient) -> Iterator[Finding]:
    """Requests that were acknowledged and cannot be loaded."""
    path = patient.lake.folder / FILE_NAME
    failed = waiting_in(path)[1] if path.exists() else 0
    if failed:
        yield Finding(
            "problem",
            "inbox_failed",
            f"events over HTTP: {failed:,} requests cannot be loaded. They are kept in "
            f"{FILE_NAME}, and what they hold counts nowhere.",
            "staycurve sync names the reason of each; please report it.",
            failed,
        )


def _has_events(patient: Patient) -> bool:
    return patient.lake.rows(patient.snapshot, EVENTS.name) > 0


CHECKS = (clocks, names, senders, inbox)
