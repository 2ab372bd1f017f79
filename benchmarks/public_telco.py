"""Telco customers as rows of features: what an outside package would add for such a company."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from staycurve.insights.risk.feature import NOW, Block, Feature
from staycurve.insights.risk.feature_table import features
from staycurve.insights.risk.frames import Frame

DAYS = 30.4375
SNAPSHOT = np.datetime64("2020-01-31")
"""The file has no dates: all its customers stand on one day, and those that churned left after."""


def _nothing(*_given: object) -> str:
    raise NotImplementedError("Telco features are read from the file, not computed.")


TELCO = Block("telco", _nothing)


def _own(label: str) -> Feature:
    return Feature(label, "It stands in the file.", NOW, TELCO, label.lower(), worse="either")


senior = _own("Senior citizen")
partner = _own("Partner")
dependents = _own("Dependents")
phone = _own("Phone service")
several_lines = _own("Multiple lines")
fiber = _own("Fiber optic")
internet = _own("Internet service")
security = _own("Online security")
backup = _own("Online backup")
protection = _own("Device protection")
support = _own("Tech support")
television = _own("Streaming TV")
movies = _own("Streaming movies")
paperless = _own("Paperless billing")
electronic_check = _own("Pays by electronic check")
automatic = _own("Pays automatically")
total_charges = _own("Total charges")

_YES = {
    "partner": "Partner", "dependents": "Dependents", "phone": "PhoneService",
    "several_lines": "MultipleLines", "security": "OnlineSecurity", "backup": "OnlineBackup",
    "protection": "DeviceProtection", "support": "TechSupport", "television": "StreamingTV",
    "movies": "StreamingMovies", "paperless": "PaperlessBilling",
}


def _values(row: Mapping[str, str]) -> dict[str, float]:
    found = {name: float(row[column] == "Yes") for name, column in _YES.items()}
    total = row["TotalCharges"].strip()
    return found | {
        "senior": float(row["SeniorCitizen"]),
        "fiber": float(row["InternetService"] == "Fiber optic"),
        "internet": float(row["InternetService"] != "No"),
        "electronic_check": float(row["PaymentMethod"] == "Electronic check"),
        "automatic": float("automatic" in row["PaymentMethod"]),
        "total_charges": float(total) if total else 0.0,
        "tenure_days": float(row["tenure"]) * DAYS,
        "mrr_amount": float(row["MonthlyCharges"]),
        "is_annual": float(row["Contract"] != "Month-to-month"),
    }


def telco(path: Path) -> Frame:
    """Every customer of the file, as it stood on one day."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = [_values(row) for row in rows]
    size = len(rows)
    unknown = np.full(size, np.nan, dtype=np.float32)
    values = {
        name: np.array([one[name] for one in known], dtype=np.float32)
        if name in known[0] else unknown
        for name in features()
    }
    left = np.full(size, np.datetime64("NaT"), dtype="datetime64[D]")
    left[[row["Churn"] == "Yes" for row in rows]] = SNAPSHOT + 1
    return Frame(
        np.array([row["customerID"] for row in rows], dtype=object), np.full(size, SNAPSHOT),
        np.array([row["Contract"] for row in rows], dtype=object),
        (values["mrr_amount"] * 1_000_000).astype(np.int64), np.zeros(size, dtype=bool),
        np.full(size, np.nan, dtype=np.float32), left, values,
    )
