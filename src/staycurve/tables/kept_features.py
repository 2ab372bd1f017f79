"""account_features: features of accounts on days, which `insights.risk` declares and computes."""

from __future__ import annotations

NAME = "account_features"
