"""Keyring: which keys open, remembered for a moment, so that no request waits for a database."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time

from staycurve.errors import StaycurveError
from staycurve.state.records import Key
from staycurve.workspace import Company

REMEMBERED = 5.0
"""Seconds after which a key is looked up again: a revoked one opens no longer than that."""
MOST = 1000
NOTED_EVERY = 60.0

_log = logging.getLogger("staycurve.server")


class Keyring:
    """The keys of one company."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self._known: dict[bytes, tuple[Key | None, float]] = {}
        self._noted: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def find(self, text: str) -> Key | None:
        """The key that a text is; None for one that is unknown or revoked."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        key, until = self._known.get(digest, (None, 0.0))
        now = time.monotonic()
        if until < now:
            key = await asyncio.to_thread(self.company.state.checked_key, text)
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[digest] = (key, now + REMEMBERED)
        if key is not None and self._noted.get(key.id, -NOTED_EVERY) + NOTED_EVERY <= now:
            self._noted[key.id] = now
            task = asyncio.create_task(asyncio.to_thread(self._note, key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return key

    def _note(self, key: Key) -> None:
        try:
            self.company.state.note_key_use(key)
        except StaycurveError as error:
            # When it was last used is worth no event.
            _log.warning("The last use of key %s was not kept: %s", key.prefix, error.message)
