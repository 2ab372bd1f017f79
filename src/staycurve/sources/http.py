"""HTTP out: one client for every connector, patient with its system and silent about its key.

What may pass by itself is tried again, with growing pauses that differ from process to process; a
system that says how long to wait is believed. Everything else is one clear error.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import functools
import ipaddress
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from staycurve.errors import SourceError, StaycurveError
from staycurve.secret import HIDDEN

if TYPE_CHECKING:
    import httpx

PASSING = frozenset({408, 409, 423, 425, 429, 500, 502, 503, 504, 529})
"""Statuses that a later try may not meet again."""

Params = Sequence[tuple[str, str]]


class AwayError(SourceError):
    """Nobody answers at all: whatever else is asked of the system now will not be answered."""

    code = "away"


class NotThereError(SourceError):
    """The system has nothing at this address (404)."""

    code = "not_there"


class PermissionMissingError(SourceError):
    """The key is right, and may not read this (403)."""

    code = "permission_missing"


class RefusedError(SourceError):
    """The system did not accept the request as it was asked (another 4xx)."""

    code = "refused"


@dataclass(frozen=True)
class Patience:
    """How often and how long to try.

    Attributes
    ----------
    tries : int
        The first one included.
    first, longest : float
        Seconds of the first pause, which doubles, and of the longest; of each pause a random part
        between a half and the whole is waited.
    most_asked : float
        Seconds; a system that asks for a longer pause ends the stream, which goes on next time.
    timeout : float
        Seconds without an answer.
    """

    tries: int = 7
    first: float = 0.5
    longest: float = 30.0
    most_asked: float = 120.0
    timeout: float = 60.0


class Pace:
    """At most so many requests a second, evenly spread.

    Parameters
    ----------
    per_second : float, optional
        None is as fast as answers come.
    """

    def __init__(
        self, per_second: float | None, *, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._clock, self._sleep = clock, sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may go out."""
        if not self._gap:
            return
        with self._lock:
            now = self._clock()
            at = max(now, self._next)
            self._next = at + self._gap
        # Whoever waits holds nobody else up.
        if now < at:
            self._sleep(at - now)


class Client:
    """JSON of one system, over kept connections; several threads may ask at once.

    Parameters
    ----------
    name : str
        What errors call the system.
    origin : str
        Such as https://api.stripe.com
    headers : mapping
        Sent with every request.
    secrets : sequence of str
        Hidden in whatever an error repeats.
    key_hint : str
        What to do when the system does not know the key.
    told : callable, optional
        (status, parsed body) → what the system says is wrong, in words.
    """

    def __init__(
        self, name: str, origin: str, *, headers: Mapping[str, str], secrets: Sequence[str] = (),
        key_hint: str = "Check the key.", told: Callable[[int, Any], str] | None = None,
        patience: Patience | None = None, pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        import httpx

        self.name = name
        self.origin = origin.rstrip("/")
        self.patience = patience or Patience()
        self.requests = 0
        self._secrets = tuple(sorted((one for one in secrets if one), key=len, reverse=True))
        self._key_hint = key_hint
        self._told = told or (lambda status, body: "")
        self._pace = pace or Pace(None)
        self._sleep = sleep
        # A system that sends elsewhere would be sent the key.
        self._http = httpx.Client(
            headers={"Accept": "application/json", **headers}, timeout=self.patience.timeout,
            follow_redirects=False, transport=transport, verify=_trusted(),
        )

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str, params: Params = ()) -> Any:
        """What stands at a path, as JSON; numbers with a point are floats.

        Raises
        ------
        NotThereError, PermissionMissingError, RefusedError, SourceError
            If it is not there, may not be read, was asked wrongly, or did not come.
        """
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        retrying = Retrying(
            stop=stop_after_attempt(self.patience.tries), wait=self._pause, sleep=self._sleep,
            retry=retry_if_exception_type(_PassingError), reraise=True,
        )
        try:
            return retrying(self._once, path, params)
        except _PassingError as error:
            kind = AwayError if error.is_away else SourceError
            raise kind(
                f"{self.name} {error.what} ({path}, {self.patience.tries} tries).",
                hint="What was committed stays; the next sync goes on from there.",
            ) from None

    def _once(self, path: str, params: Params) -> Any:
        import httpx
        import orjson

        self._pace.wait()
        self.requests += 1
        try:
            answer = self._http.get(self.origin + path, params=list(params))
        except httpx.TransportError as error:
            what = f"is away: {type(error).__name__} {self._hidden(str(error))}".rstrip()
            raise _PassingError(what, None, is_away=True) from None
        except (httpx.InvalidURL, ValueError) as error:
            raise SourceError(
                f"{self.name} cannot be asked at {self.origin}: {self._hidden(str(error))}.",
                hint="Check base_url in staycurve.toml.",
            ) from None
        status = answer.status_code
        try:
            body = orjson.loads(answer.content) if answer.content else None
        except orjson.JSONDecodeError:
            body = None
            if status == 200:
                # A page that was cut off on its way, or of a proxy in between.
                raise _PassingError("answered with something that is not JSON", None) from None
        if status == 200:
            return body
        asks = answer.headers.get("stripe-should-retry")
        if (status in PASSING or asks == "true") and asks != "false":
            asked = retry_after(answer.headers.get("retry-after"), answer.headers.get("date"))
            if asked is not None and asked > self.patience.most_asked:
                raise SourceError(
                    f"{self.name} asks to wait {asked:,.0f} seconds before the next request.",
                    hint="What was committed stays; sync again later.",
                )
            raise _PassingError(f"answered {status}{self._says(status, body)}", asked)
        raise self._final(status, path, body)

    def _final(self, status: int, path: str, body: Any) -> StaycurveError:
        says = self._says(status, body)
        if status == 401:
            return SourceError(
                f"{self.name} does not know the key (401){says}.", hint=self._key_hint
            )
        if status == 403:
            return PermissionMissingError(
                f"The key may not read {path} of {self.name} (403){says}.",
                hint="Give the key read permission for it, or leave it: the rest is synced.",
                path=path,
            )
        if status == 404:
            return NotThereError(
                f"{self.name} has nothing at {path} (404){says}.",
                hint="This stream is left out; the others go on.", path=path,
                code=_code_of(body),
            )
        if 300 <= status < 400:
            return SourceError(
                f"{self.name} sends {path} elsewhere ({status}); that is not followed.",
                hint="Write the final address as base_url.",
            )
        return RefusedError(
            f"{self.name} refuses {path} ({status}){says}.",
            hint="If this stays, please report it.", path=path, status=status,
            code=_code_of(body),
        )

    def _says(self, status: int, body: Any) -> str:
        told = " ".join(self._told(status, body).split())[:300].rstrip(".")
        return f": {self._hidden(told)}" if told else ""

    def _hidden(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def _pause(self, state: Any) -> float:
        """Seconds before the next try: what the system asks for, else a growing, random part."""
        error = state.outcome.exception()
        if error.asked is not None:
            # Everybody who was sent away at once would be back at once.
            return float(error.asked) + random.uniform(0, self.patience.first)
        longest = min(self.patience.first * 2 ** (state.attempt_number - 1), self.patience.longest)
        return random.uniform(longest / 2, longest)


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Whom to believe: read once, for it takes longer than many a request."""
    import httpx

    return httpx.create_ssl_context()


class _PassingError(Exception):
    """What a later try may not meet again."""

    def __init__(self, what: str, asked: float | None, *, is_away: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.asked = asked
        self.is_away = is_away


def _code_of(body: Any) -> str:
    """The word by which a system says what is wrong, where its answer has one."""
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else ""


def retry_after(text: str | None, sent: str | None) -> float | None:
    """Seconds that a Retry-After header asks for; None where it asks for nothing readable.

    Parameters
    ----------
    sent : str, optional
        The answer's Date: an instant is seen from the system's own clock.

    References
    ----------
    RFC 9110, section 10.2.3: a number of seconds, or a date.
    """
    if not text:
        return None
    try:
        return max(float(text), 0.0) if float(text) < float("inf") else None
    except ValueError:
        pass
    try:
        at, now = (_utc(email.utils.parsedate_to_datetime(one or "")) for one in (text, sent))
    except (ValueError, TypeError):
        return None
    return max((at - now).total_seconds(), 0.0)


def _utc(at: dt.datetime) -> dt.datetime:
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def is_local(origin: str) -> bool:
    """Whether an origin is on this machine."""
    host = urlsplit(origin).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
