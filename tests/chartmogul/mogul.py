"""Calls of the official client in words, against a server of the tests' own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import chartmogul
import httpx

from staycurve.workspace import Company
from staycurve.workspace.imports import ImportDesk, line_rows

KEY = "mogul-key-of-the-tests"


@dataclass
class Mogul:
    """A company, its server, and the client."""

    company: Company
    address: str
    config: Any
    http: httpx.Client

    def source(self, name: str = "Billing") -> Any:
        """A data source."""
        return chartmogul.DataSource.create(self.config, data={"name": name}).get()

    def customer(self, source: Any, name: str = "acme", **more: Any) -> Any:
        """A customer."""
        data = {"data_source_uuid": source.uuid, "external_id": name, "name": name.title(), **more}
        return chartmogul.Customer.create(self.config, data=data).get()

    def plan(self, source: Any, name: str = "Pro", unit: str = "month", count: int = 1) -> Any:
        """A plan."""
        return chartmogul.Plan.create(self.config, data={
            "data_source_uuid": source.uuid, "name": name, "interval_count": count,
            "interval_unit": unit, "external_id": name.lower(),
        }).get()

    def bill(
        self, customer: Any, number: str, *lines: Mapping[str, Any],
        transactions: list[Mapping[str, Any]] | None = None, **more: Any,
    ) -> Any:
        """One invoice, dated when its first line begins."""
        data = {"invoices": [{
            "external_id": number, "currency": "USD",
            "date": lines[0].get("service_period_start", "2026-01-01"),
            "line_items": list(lines), "transactions": transactions or [], **more,
        }]}
        return chartmogul.Invoice.create(self.config, uuid=customer.uuid, data=data).get()

    def mrr(self, *days: str, metric: str = "mrr") -> list[float | None]:
        """MRR at the close of each day, once everything that was sent is loaded."""
        ImportDesk(self.company).drain()
        if self.company.is_due():
            self.company.refresh()
        return [
            self.company.show(metric, grain="day", start=day, end=day, as_of="2026-11-20").rows[0][
                "value"]
            for day in days
        ]

    def lines(self, *columns: str) -> list[tuple[Any, ...]]:
        """Rows of invoice_lines as what was sent makes them, without the lake."""
        with ImportDesk(self.company).reading() as imports:
            rows = line_rows(imports, imports.changed(("line_item",), after=0, most=1000))
        return [tuple(row[column] for column in columns) for row in rows]

    def refused(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request by hand."""
        return self.http.request(method, self.address + path, **more)


def line(
    plan: Any, start: str, end: str, cents: int, *, subscription: str = "s1", **more: Any
) -> dict[str, Any]:
    """A line item of a subscription."""
    return {
        "type": "subscription", "subscription_external_id": subscription, "plan_uuid": plan.uuid,
        "service_period_start": start, "service_period_end": end, "amount_in_cents": cents,
        "quantity": 1, **more,
    }
