"""Adding a file in the browser: the page at /data/add.

A file is sent and waits; its proposed mapping is shown, under options that can be chosen; then it
is loaded, and what became of it is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Dict
from typing import Any

from staycurve.errors import LoadError, StaycurveError, UsageError
from staycurve.i18n import N_
from staycurve.interfaces.web import numbers, uploads
from staycurve.interfaces.web.ask import Ask, link
from staycurve.interfaces.web.page import Group, Page, Panel, Shown
from staycurve.metrics.base import Unit
from staycurve.sources.exports import KEPT, known_exports, mapping_named
from staycurve.sources.keeping import keep
from staycurve.sources.mapping import Mapping
from staycurve.sources.options import AMOUNTS, DATES, ENDS, STATUSES, ReadOptions
from staycurve.tables.conformed import CONFORMED
from staycurve.workspace.trying import Trial, load_as_proposed, proposal_for, try_file

CHOSEN = (
    "map", "table", "dates", "decimal", "thousands", "empty", "ends", "amounts", "status",
    "exported_at",
)
"""What can be chosen for a file that waits, in the address and in the form alike."""
ADDRESS = "/data/add"


def act(ask: Ask) -> str:
    """Take a file, load one that waits, or throw it away; where to go then."""
    form, company = ask.form, ask.company
    asked = form.get("do", "")
    if asked == "upload":
        if not form.get("upload"):
            raise UsageError("No file was chosen.", hint="Choose one, then send it.")
        return link(ADDRESS, {"file": form["upload"]}, ())
    token = form.get("file", "")
    if asked == "drop":
        uploads.forget(company.folder, token)
        return ADDRESS
    if asked != "load":
        raise UsageError("The form asks for nothing.", hint="Send it from the page.")
    path = uploads.waiting(company.folder, token)
    first = company.lake.pointer.next_load()
    try:
        proposal = proposal_for(
            company, path, table=form.get("table") or None, mapping=_mapping(ask, form),
            options=_options(form),
        )
        reports = load_as_proposed(company, path, proposal)
        errors = [report.error for report in reports if report.error]
        if errors and len(errors) == len(reports):
            raise errors[0]
        if form.get("keep"):
            keep(company.folder, company.folder / KEPT / _name(path.name), proposal.toml)
        if company.is_due():
            company.refresh()
    except LoadError as error:
        # The page comes back with the file still waiting, and with what is wrong with it.
        raise UsageError(error.message, hint=error.hint) from None
    uploads.forget(company.folder, token)
    loaded = range(first, company.lake.pointer.next_load())
    return link(ADDRESS, {"loads": ",".join(map(str, loaded))}, ())


def _name(file: str) -> str:
    """What a mapping for files such as this one is called."""
    stem = re.sub(r"(\.(csv|tsv|txt|ndjson|jsonl|json|parquet|xlsx))?(\.gz)?$", "", file.lower())
    return f"{re.sub(r'[^a-z0-9]+', '-', stem).strip('-')[:60] or 'file'}.toml"


def _mapping(ask: Ask, chosen: Dict[str, str]) -> Mapping | None:
    named = chosen.get("map")
    if not named:
        return None
    known = {one.name for one in known_exports(ask.company.folder)}
    if named not in known:
        # A page names what is known; paths of the server's disk are not its visitors' business.
        raise UsageError(f"Unknown mapping '{named}'.", hint="Choose one from the list.")
    return mapping_named(named, ask.company.folder)


def _options(chosen: Dict[str, str]) -> ReadOptions:
    return ReadOptions(
        dates=chosen.get("dates") or None, decimal=chosen.get("decimal") or None,
        thousands=chosen.get("thousands") or None,
        empty=tuple(chosen["empty"].split("|")) if chosen.get("empty") else None,
        ends=chosen.get("ends") or None, amounts=chosen.get("amounts") or None,
        status=chosen.get("status") or None, exported_at=chosen.get("exported_at") or None,
    )


def _show(ask: Ask) -> Shown:
    # After a fault the form says which file is meant, else the address.
    asked: Dict[str, str] = ask.form if ask.fault and ask.form.get("file") else ask.options
    token = asked.get("file", "")
    view: dict[str, Any] = {
        "fault": ask.fault, "most": uploads.MOST // 1_000_000, "token": token,
        "trial": None, "loads": _loads(ask), "chosen": {k: asked.get(k, "") for k in CHOSEN},
        "maps": [one.name for one in known_exports(ask.company.folder) if not one.unused],
        "tables": list(CONFORMED), "orders": list(DATES), "refusal": None,
        "ends": list(ENDS), "amounts": list(AMOUNTS), "statuses": list(STATUSES),
    }
    if not token:
        return Shown(view["loads"], view)
    path = uploads.waiting(ask.company.folder, token)
    view["file"] = path.name
    try:
        trial = try_file(
            ask.company, path, table=asked.get("table") or None,
            mapping=_mapping(ask, asked), options=_options(asked),
        )
    except UsageError:
        raise
    except StaycurveError as error:
        return Shown((), view | {"refusal": error})
    found = trial.as_dict()
    return Shown(found["columns"], view | {"trial": _drawn(ask, trial)}, {"file": found})


def _drawn(ask: Ask, trial: Trial) -> dict[str, Any]:
    proposal = trial.proposal
    main = proposal.main
    return {
        "table": proposal.table,
        "looks_like": proposal.export.title if proposal.export else "",
        "unsure": proposal.export.unsure if proposal.export else "",
        "columns": proposal.columns,
        "missing": ", ".join(proposal.missing),
        "loads": [report for report in trial.reports if report.error is None],
        "can_load": any(report.error is None for report in trial.reports),
        "rules": main.broken if main else (),
        "why": main.refusal if main else None,
        "fixes": [
            {
                "said": fix.said, "rows": f"{fix.rows:,}",
                "href": ask.url(**{
                    key: "|".join(value) if isinstance(value, tuple) else value
                    for key, value in fix.pairs.items()
                }),
            }
            for fix in (main.fixes if main else ())
        ],
        "mrr": [
            {
                "month": row["period"][:7], "is_open": row["open"],
                "value": numbers.full(row["value"], Unit.MONEY, ask.currency),
            }
            for row in trial.mrr
        ],
        "why_no_mrr": trial.why,
        "doubts": trial.doubts,
        "is_guessed": not proposal.export,
    }


def _loads(ask: Ask) -> list[dict[str, Any]]:
    """What became of the loads that the address names."""
    named = {int(n) for n in ask.options.get("loads", "").split(",") if n.isascii() and n.isdigit()}
    return [
        {
            "load": record.load, "file": record.file, "table": record.table,
            "accepted": record.accepted, "replaced": record.replaced, "rejected": record.rejected,
        }
        for record in ask.company.lake.pointer.loads() if record.load in named
    ]


ADD_FILE = Page(
    address=ADDRESS,
    place=10,
    title=N_("Add a file"),
    question=N_("What is in this file, and which rows would load?"),
    panels=(
        Panel("file", N_("Add a file"), N_("Which column feeds which, and what is rejected?"),
              "add_file.html", _show),
    ),
    has_controls=False,
    needs=(),
    group=Group.DATA,
    options=("file", "loads", *CHOSEN),
    can_be_cut=False,
    takes_forms=True,
    takes_files=True,
    act=act,
)


