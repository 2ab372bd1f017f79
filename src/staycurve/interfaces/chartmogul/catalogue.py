"""Data sources, plans and the account itself."""

from __future__ import annotations

from typing import Any

from staycurve.interfaces.chartmogul.requests import (
    Answer,
    Refused,
    Request,
    blanks,
    check,
    found,
    odd_ids,
    page_of,
    route,
    said,
    whole,
)
from staycurve.state.imports import Imported, Imports

UNITS = ("day", "week", "month", "year")
_TAKEN = "has already been taken"


@route("GET", "/ping")
def ping(request: Request) -> Answer:
    """The key is right."""
    del request
    return 200, {"data": "pong!"}


@route("GET", "/account")
def account(request: Request) -> Answer:
    """Whose numbers they are."""
    company = request.company.config.company
    return 200, {
        "id": None, "name": company.name, "currency": company.currency,
        "time_zone": company.timezone, "week_start_on": company.week_start,
    }


def source_shape(one: Imported) -> dict[str, Any]:
    """A data source as it is answered."""
    return {
        "uuid": one.uuid, "name": one.body["name"], "system": one.body.get("system", "Custom"),
        "created_at": said(one.created_at), "status": "idle",
    }


@route("GET", "/data_sources")
def sources(request: Request) -> Answer:
    """Every data source, or those of a name or system."""
    with request.desk.reading() as imports:
        every = imports.page("data_source", most=1000)
    asked = {key: request.query[key] for key in ("name", "system") if key in request.query}
    shapes = [source_shape(one) for one in every]
    return 200, {"data_sources": [
        one for one in shapes if all(one[key] == value for key, value in asked.items())
    ]}


@route("POST", "/data_sources")
def add_source(request: Request) -> Answer:
    """A new data source."""
    fields = request.fields
    check(blanks(fields, "name") | odd_ids(fields, "name"), "The data source")
    name = str(fields["name"])
    with request.desk.writing() as imports:
        if imports.named("data_source", "", name):
            check({"name": _TAKEN}, "The data source")
        # Ids of the first source are ours as they are; those of others must not meet them.
        is_first = not imports.page("data_source", most=1)
        body = {**fields, "name": name, "_suffix": "" if is_first else f"@{name}"}
        one = imports.add("data_source", "ds_", body, external_id=name)
    return 201, source_shape(one)


@route("GET", "/data_sources/{uuid}")
def source(request: Request) -> Answer:
    """One data source."""
    with request.desk.reading() as imports:
        return 200, source_shape(_source(imports, request))


@route("DELETE", "/data_sources/{uuid}")
def delete_source(request: Request) -> Answer:
    """A data source, with everything that belongs to it."""
    with request.desk.writing() as imports:
        one = _source(imports, request)
        imports.delete([one, *imports.of_source(one.uuid)])
    return 204, None


def _source(imports: Imports, request: Request) -> Imported:
    return found(imports, "data_source", request.path["uuid"], "Data source")


def plan_shape(one: Imported) -> dict[str, Any]:
    """A plan as it is answered."""
    return {
        "uuid": one.uuid, "data_source_uuid": one.source, "name": one.body["name"],
        "interval_count": one.body["interval_count"], "interval_unit": one.body["interval_unit"],
        "external_id": one.body.get("external_id") or one.external_id or one.uuid,
    }


def plan_errors(fields: Any) -> dict[str, str]:
    """What is wrong with the fields of a plan that are there."""
    wrong = odd_ids(fields, "external_id", "name")
    count = fields.get("interval_count")
    if count is not None and not 0 < (whole(count) or 0) <= 1000:
        wrong["interval_count"] = "must be greater than 0"
    unit = fields.get("interval_unit")
    if unit is not None and unit not in UNITS:
        wrong["interval_unit"] = f"is not included in the list: {', '.join(UNITS)}"
    return wrong


@route("GET", "/plans")
def plans(request: Request) -> Answer:
    """Plans, a page at a time."""
    query = request.query
    with request.desk.reading() as imports:
        entries, more = page_of(request, lambda after, most: imports.page(
            "plan", after=after, most=most, source=query.get("data_source_uuid"),
            external_id=query.get("external_id"),
        ))
    return 200, {"plans": [plan_shape(one) for one in entries], **more}


@route("POST", "/plans")
def add_plan(request: Request) -> Answer:
    """A new plan."""
    with request.desk.writing() as imports:
        return 201, plan_shape(new_plan(imports, request.fields))


def new_plan(imports: Imports, fields: Any) -> Imported:
    """Keep a plan.

    Raises
    ------
    Refused
        With 422, if it cannot be taken, or is there already.
    """
    needed = ("data_source_uuid", "name", "interval_count", "interval_unit")
    wrong = blanks(fields, *needed) | plan_errors(fields)
    check(wrong, "The plan")
    source = str(fields["data_source_uuid"])
    found(imports, "data_source", source, "Data source")
    external = None if fields.get("external_id") in (None, "") else str(fields["external_id"])
    if external and imports.named("plan", source, external):
        check({"external_id": _TAKEN}, "The plan")
    body = {**fields, "interval_count": whole(fields["interval_count"])}
    return imports.add("plan", "pl_", body, source=source, external_id=external)


@route("GET", "/plans/{uuid}")
def plan(request: Request) -> Answer:
    """One plan."""
    with request.desk.reading() as imports:
        return 200, plan_shape(found(imports, "plan", request.path["uuid"], "Plan"))


@route("PATCH", "/plans/{uuid}")
@route("PUT", "/plans/{uuid}")
def change_plan(request: Request) -> Answer:
    """Another name or interval; what was billed for it is read again."""
    fields = {
        key: value for key, value in request.fields.items()
        if key in ("name", "interval_count", "interval_unit")
    }
    check(plan_errors(fields), "The plan")
    if "interval_count" in fields:
        fields["interval_count"] = whole(fields["interval_count"])
    with request.desk.writing() as imports:
        one = found(imports, "plan", request.path["uuid"], "Plan")
        changed = imports.change(one, {**one.body, **fields})
        imports.touch(
            line for line in imports.of_source(one.source)
            if line.kind == "line_item" and line.body.get("plan_uuid") == one.uuid
        )
    return 200, plan_shape(changed)


@route("DELETE", "/plans/{uuid}")
def delete_plan(request: Request) -> Answer:
    """A plan of which nothing was billed."""
    with request.desk.writing() as imports:
        one = found(imports, "plan", request.path["uuid"], "Plan")
        if any(
            line.kind == "line_item" and line.body.get("plan_uuid") == one.uuid
            for line in imports.of_source(one.source)
        ):
            raise Refused(
                422, "The plan has invoices.", hint="Delete their line items first.",
                errors={"base": "has line items"},
            )
        imports.delete([one])
    return 204, None
