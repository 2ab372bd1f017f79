"""stale_accounts: the accounts that a load touched and no refresh has seen yet."""

from __future__ import annotations

STALE_TABLE = "stale_accounts"
STALE_COLUMNS = (("account_id", "VARCHAR"), ("load", "BIGINT"))
