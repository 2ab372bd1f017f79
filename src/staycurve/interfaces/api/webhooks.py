"""Webhooks in: what outside systems send by themselves, kept before anything is done about it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from staycurve.interfaces.api import errors
from staycurve.workspace import Company

router = APIRouter(tags=["webhooks"], responses=errors.ANSWERS)

MOST_BYTES = 8 * 1024 * 1024
"""An event holds one object; no invoice comes near."""


@router.post("/webhooks/stripe/{name}")
async def stripe(name: str, request: Request) -> JSONResponse:
    """Take an event of the source NAME: answered once it is on disk, seen by the next sync."""
    body = await _read(request)
    if body is None:
        return _too_large()
    company: Company = request.app.state.company
    header = request.headers.get("stripe-signature", "")
    # The file system is slow at times; other requests go on meanwhile.
    return await run_in_threadpool(_taken, company, name, body, header)


@router.post("/webhooks/answers/{name}")
async def answers(name: str, request: Request) -> JSONResponse:
    """Take answers of the tool NAME, with its secret: kept once each, and loaded soon after."""
    body = await _read(request)
    if body is None:
        return _too_large()
    company: Company = request.app.state.company
    done = await run_in_threadpool(_answers, company, name, body, dict(request.headers))
    request.app.state.survey_loader.wake()
    return done


@router.post("/webhooks/bounces")
async def bounces(request: Request) -> JSONResponse:
    """Take a message that came back, or an automatic reply, as it is (message/rfc822)."""
    body = await _read(request)
    if body is None:
        return _too_large()
    company: Company = request.app.state.company
    return await run_in_threadpool(_bounces, company, body, dict(request.headers))


@router.post("/webhooks/tickets/{name}")
async def tickets(name: str, request: Request) -> JSONResponse:
    """Take what the help desk NAME says of a ticket, signed as standardwebhooks says.

    Sent twice it changes nothing the second time.
    """
    body = await _read(request)
    if body is None:
        return _too_large()
    company: Company = request.app.state.company
    return await run_in_threadpool(_tickets, company, name, body, dict(request.headers))


async def _read(request: Request) -> bytes | None:
    """The body; None for one that is too large."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def _too_large() -> JSONResponse:
    return errors.answer((
        413, "too_large", f"An event has at most {MOST_BYTES:,} bytes.", "Send it smaller."
    ))


def _answers(
    company: Company, name: str, body: bytes, headers: dict[str, str]
) -> JSONResponse:
    import orjson

    from staycurve.actions.surveys.received import is_allowed
    from staycurve.actions.surveys.settings import SURVEYS

    hook = company.config[SURVEYS].webhooks.get(name)
    if hook is None:
        return errors.answer((
            404, "no_webhook", "No tool of this name sends answers.",
            f'Write: [surveys.webhooks.{name[:40]}] secret = {{ env = "…" }}',
        ))
    if not is_allowed(hook.secret.reveal().strip(), body, headers):
        return _bad_secret()
    try:
        given: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return errors.answer((400, "no_json", "This is no JSON.", "Send the tool's own webhook."))
    count = company.surveys.receive(name, hook.kind, given)
    return JSONResponse({"received": True, "new": count})


def _bounces(company: Company, body: bytes, headers: dict[str, str]) -> JSONResponse:
    from staycurve.actions.surveys.received import is_allowed
    from staycurve.mail_settings import MAIL

    secret = company.config[MAIL].webhook_secret
    if secret is None:
        return errors.answer((
            404, "no_webhook", "Bounces are not taken here.",
            'Write: [mail] webhook_secret = { env = "…" }',
        ))
    if not is_allowed(secret.reveal().strip(), body, headers):
        return _bad_secret()
    return JSONResponse({"received": True, **company.surveys.hear(body)})


def _tickets(
    company: Company, name: str, body: bytes, headers: dict[str, str]
) -> JSONResponse:
    import orjson

    from staycurve.actions.ticket_settings import TICKETS
    from staycurve.actions.tickets import is_signed

    desk = company.config[TICKETS].get(name)
    if desk is None or not desk.secret:
        return errors.answer((
            404, "no_webhook", "No help desk of this name sends webhooks.",
            f'Write: [tickets.{name[:40]}] secret = {{ env = "…" }}',
        ))
    if not is_signed(desk.read_secret(), body, headers, company.clock()):
        return errors.answer((
            401, "bad_signature", "The signature does not fit the body, the secret and the time.",
            "Sign as standardwebhooks says: webhook-id, webhook-timestamp, webhook-signature.",
        ))
    try:
        given: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return errors.answer((400, "no_json", "This is no JSON.", "Send JSON."))
    return JSONResponse({"received": True, "new": company.work.hear(name, given)})


def _bad_secret() -> JSONResponse:
    return errors.answer((
        401, "bad_secret", "The secret is missing, or is another one.",
        "Send Authorization: Bearer SECRET, or the tool's own signature.",
    ))


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
