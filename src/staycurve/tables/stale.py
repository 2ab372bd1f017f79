"""What a load touched and no refresh has seen yet: accounts, and days of product events."""

from __future__ import annotations

STALE_TABLE = "stale_accounts"
STALE_COLUMNS = (("account_id", "VARCHAR"), ("load", "BIGINT"))

STALE_DAYS_TABLE = "stale_days"
STALE_DAYS_COLUMNS = (("occurred_on", "DATE"), ("load", "BIGINT"))
