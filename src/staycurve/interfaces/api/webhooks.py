"""Webhooks in: what outside systems send by themselves, kept before anything is done about it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from staycurve.interfaces.api import errors
from staycurve.workspace import Company

router = APIRouter(tags=["webhooks"])

MOST_BYTES = 8 * 1024 * 1024
"""An event holds one object; no invoice comes near."""


@router.post("/webhooks/stripe/{name}")
async def stripe(name: str, request: Request) -> JSONResponse:
    """Take an event of the source NAME: answered once it is on disk, seen by the next sync."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return errors.answer((
                413, "too_large", f"An event has at most {MOST_BYTES:,} bytes.", "Send it smaller."
            ))
    company: Company = request.app.state.company
    header = request.headers.get("stripe-signature", "")
    # The file system is slow at times; other requests go on meanwhile.
    return await run_in_threadpool(_taken, company, name, bytes(body), header)


def _taken(company: Company, name: str, body: bytes, header: str) -> JSONResponse:
    import orjson

    from staycurve.sources.configured import configured
    from staycurve.sources.stripe import inbox
    from staycurve.sources.stripe.signatures import is_signed

    one = configured(company.config).get(name)
    secret = getattr(one.settings, "webhook_secret", None) if one else None
    if one is None or one.source.name != "stripe" or secret is None:
        return errors.answer((
            404, "no_webhook", "No source of this name takes webhooks.",
            'Write in its section: webhook_secret = { env = "STRIPE_WEBHOOK_SECRET" }',
        ))
    if not is_signed(body, header, secret.reveal().strip(), int(company.clock().timestamp())):
        return errors.answer((
            400, "bad_signature", "The signature does not fit the body, the secret and the time.",
            "Is the secret that of this endpoint, and is this machine's clock right?",
        ))
    try:
        event: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        event = None
    id = event.get("id") if isinstance(event, dict) else None
    if not inbox.is_id(id) or not isinstance(event.get("data"), dict):
        return errors.answer((400, "no_event", "This is no event.", "Send Stripe's own events."))
    is_new = inbox.put(company.folder, name, str(id), body)
    return JSONResponse({"received": True, "is_new": is_new})
