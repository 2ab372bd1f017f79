"""Trying: what a file would come to, before anything of it is loaded.

The counts are those of a load into the company that changes nothing. The MRR is that of a company
of its own, made for it in a temporary directory with the same settings, which holds this file
alone and is thrown away.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staycurve.config import FILE_NAME
from staycurve.errors import StaycurveError
from staycurve.sources.exports import known_exports
from staycurve.sources.files import load_files
from staycurve.sources.mapping import Mapping
from staycurve.sources.options import ReadOptions
from staycurve.sources.port import FileReport
from staycurve.sources.proposing import Proposal, propose
from staycurve.tables import views
from staycurve.tables.doubts import Doubt
from staycurve.tables.duckdb_engine import Engine
from staycurve.workspace.company import Company

MONTHS = 3
_REVENUE = ("subscriptions", "invoice_lines")
"""The tables from which MRR comes."""
_LEFT_OUT = re.compile(r"\[+(state|lake_options|sources|mail)\b")
"""Sections that say where things are, which a temporary company has of its own."""


@dataclass(frozen=True)
class Trial:
    """A proposal, and what the writer says to it.

    Attributes
    ----------
    reports : sequence of FileReport
        What a load would report.
    mrr : sequence of mapping
        period, value, open: the last months, as `show mrr` has them.
    why : str
        Why there is no MRR, where there is none.
    doubts : sequence of Doubt
        What the rows look like when the file means something else than it says.
    """

    proposal: Proposal
    reports: Sequence[FileReport]
    mrr: Sequence[dict[str, Any]]
    why: str
    currency: str
    doubts: Sequence[Doubt] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        found = self.proposal.as_dict()
        loaded = [report for report in self.reports if report.error is None]
        return found | {
            "loads": [
                {
                    "table": report.table, "accepted": report.accepted,
                    "replaced": report.replaced, "rejected": report.rejected,
                }
                for report in loaded
            ],
            "mrr": list(self.mrr),
            "mrr_why": self.why or None,
            "doubts": [doubt.as_dict() for doubt in self.doubts],
            "currency": self.currency,
        }


def try_file(
    company: Company, path: Path, *, table: str | None = None, mapping: Mapping | None = None,
    options: ReadOptions | None = None,
) -> Trial:
    """What a file would come to in a company; errors as for `propose`."""
    proposal = proposal_for(company, path, table=table, mapping=mapping, options=options)
    currency = company.config.company.currency
    if not any(one.accepted for one in proposal.diagnoses):
        # A column is missing, or no row keeps the rules: the diagnosis says which.
        return Trial(proposal, (), (), "", currency)
    reports = load_as_proposed(company, path, proposal, is_dry_run=True)
    if not any(report.error is None for report in reports):
        return Trial(proposal, reports, (), "", currency)
    fed = {report.table for report in reports if report.error is None}
    if not fed & set(_REVENUE):
        why = f"{', '.join(sorted(fed))}: no MRR comes from there"
        return Trial(proposal, reports, (), why, currency)
    mrr, doubts = _alone(company, path, proposal)
    return Trial(proposal, reports, mrr, "", currency, doubts)


def proposal_for(
    company: Company, path: Path, *, table: str | None = None, mapping: Mapping | None = None,
    options: ReadOptions | None = None,
) -> Proposal:
    """The mapping that a company proposes for a file; errors as for `propose`."""
    with Engine(company.folder / ".tmp") as engine:
        views.create(engine, company.lake, company.snapshot)
        return propose(
            engine, path, company.config,
            folder=engine.spill.with_name(engine.spill.name + "-looked-at"),
            known=known_exports(company.folder), table=table, mapping=mapping, options=options,
        )


def load_as_proposed(
    company: Company, path: Path, proposal: Proposal, *, is_dry_run: bool = False
) -> list[FileReport]:
    """Load a file under the mapping that was proposed for it; what failed carries its error."""
    try:
        return load_files(
            company.lake, company.config, [path], table=proposal.table,
            mapping=proposal.mapping, options=proposal.options, is_dry_run=is_dry_run,
            now=company.clock(),
        )
    except StaycurveError as error:
        return [FileReport(path.name, proposal.table, 0, 0, 0, error=error)]


def _alone(
    company: Company, path: Path, proposal: Proposal
) -> tuple[list[dict[str, Any]], tuple[Doubt, ...]]:
    """The MRR of the last months, and the doubts, of a company that has this file alone."""
    with tempfile.TemporaryDirectory(prefix="staycurve-", ignore_cleanup_errors=True) as made:
        folder = Path(made) / "company"
        own = company.config.company
        Company.create(folder, name=own.name, currency=own.currency, timezone=own.timezone)
        text = (company.folder / FILE_NAME).read_text(encoding="utf-8")
        (folder / FILE_NAME).write_text(settings_alone(text), encoding="utf-8")
        with Company(folder, clock=company.clock) as alone:
            load_as_proposed(alone, path, proposal)
            alone.refresh()
            rows = alone.show("mrr", grain="month").as_dict()["rows"]
            doubts = alone.doubts()
    return [
        {"period": row["period"], "value": row["value"], "open": row["open"]}
        for row in rows[-MONTHS:]
    ], doubts


def settings_alone(text: str) -> str:
    """staycurve.toml without what says where things are."""
    kept: list[str] = []
    is_left_out = False
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            is_left_out = _LEFT_OUT.match(line.strip()) is not None
        if is_left_out or re.match(r"\s*(engine|lake)\s*=", line):
            continue
        kept.append(line)
    return "\n".join(kept) + "\n"
