"""An insight as the reference and `staycurve insights NAME` describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staycurve.insights.answers import Col, Table
from staycurve.insights.base import Insight
from staycurve.insights.shapes import Field, fields_of


def python_of(insight: Insight[Any, Any]) -> str:
    """How Python asks it."""
    needed = ", ".join(f"{one.name}=…" for one in insight.arguments if one.is_required)
    return ".".join(
        part for part in ("company", *insight.theme.split(), f"{insight.method}({needed})") if part
    )


def address_of(insight: Insight[Any, Any]) -> str:
    """Where the API answers it."""
    return f"/api/v1/{insight.name.replace(' ', '/')}"


def described(insight: Insight[Any, Any]) -> Mapping[str, Any]:
    """All that is declared of an insight, as JSON."""
    return {
        "name": insight.name,
        "question": insight.question,
        "about": insight.about,
        "command": f"staycurve {insight.name}",
        "address": address_of(insight),
        "aliases": [f"/api/v1{one}" for one in insight.aliases],
        "page": insight.page,
        "python": python_of(insight),
        "parameters": [
            {
                "name": one.outward, "python": one.name, "type": one.type.__name__,
                "is_many": one.is_many, "is_required": one.is_required, "default": one.default,
                "choices": list(one.param.choices), "about": one.param.about,
            }
            for one in insight.arguments
        ],
        "fields": [line for answer in insight.answers for line in lines(answer)],
    }


def lines(shape: type, *, inside: str = "", above: Sequence[type] = ()) -> list[dict[str, str]]:
    """Every key of an answer, those of its rows as rows[].key, with unit and meaning."""
    found = []
    for field in fields_of(shape):
        key = f"{inside}{field.key}"
        found.append({"key": key, "label": _label(field), "unit": _unit(field),
                      "about": field.mark.about})
        if field.row is not None and field.row not in above:
            below = f"{key}[]." if field.is_many else f"{key}."
            found += lines(field.row, inside=below, above=(*above, shape))
    return found


def _label(field: Field) -> str:
    return field.mark.title if isinstance(field.mark, Table) else (
        field.mark.label if isinstance(field.mark, Col) else ""
    )


def _unit(field: Field) -> str:
    return str(field.mark.unit.value) if isinstance(field.mark, Col) and not field.row else ""
