"""The server: one process that answers for one company."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import ipaddress
import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Collection

import uvicorn

from staycurve.errors import StaycurveError, UsageError
from staycurve.interfaces.api.app import create_app
from staycurve.interfaces.api.patience import Protocol
from staycurve.interfaces.api.security import LOOPBACK, host_name
from staycurve.interfaces.ingest.loading import ARROW, EVERY, Loading
from staycurve.interfaces.scheduling import Schedule
from staycurve.interfaces.web.site import Site
from staycurve.workspace import Company
from staycurve.workspace.asking import number_of
from staycurve.workspace.imports import ImportDesk

HOSTS = "STAYCURVE_HOSTS"
DRAIN_EVERY = "STAYCURVE_DRAIN_EVERY"
"""Seconds between two times that events are brought from the inbox into the lake."""
STOP_WITHIN = "STAYCURVE_STOP_WITHIN"
"""Seconds that requests get to end in, when the server is told to stop."""

_ARENA_MAX = -8
"""What glibc's malloc.h calls M_ARENA_MAX."""

_log = logging.getLogger("staycurve.server")


class PortError(StaycurveError):
    """The address cannot be listened on."""

    code = "port"


class _Announcing(uvicorn.Server):
    """A server that tells its address as soon as it listens, not before."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def _say(line: str) -> None:
    # Into a pipe, print alone would keep the address to itself until the end.
    print(line, flush=True)


def serve(
    company: Company,
    host: str = "127.0.0.1",
    port: int = 8765,
    *,
    names: Collection[str] = (),
    tell: Callable[[str], None] = _say,
) -> None:
    """Serve a company until the process is told to stop.

    Parameters
    ----------
    company : Company
        Brought up to date first, where that is due.
    host, port
        Port 0 takes a free one.
    names : collection of str
        Further names under which the server is asked for, as behind a proxy; those in the
        environment variable STAYCURVE_HOSTS, with commas or blanks between them, are added.
    tell : callable
        Gets the address once it answers.

    Raises
    ------
    PortError
        If the port is taken, or may not be used.
    UsageError
        If the host is not one of this machine's.
    """
    for name, value in ARROW.items():
        os.environ.setdefault(name, value)
    _share_arenas()
    check_people(company, host)
    is_local = _is_local(host)
    listener = _listen(host, port)
    loading = Loading(company, every=number_of(DRAIN_EVERY, EVERY))
    try:
        # What was taken in by a server that ended before it was loaded.
        ImportDesk(company).drain()
        company.surveys.desk.drain()
        company.personal.take_up()
        # What a refresh needs at its highest is not to stay with the server.
        if company.is_due() and not (loading.catch_up() and not company.is_due()):
            company.refresh()
        app = create_app(company, hosts=hosts_of(host, names), is_local=is_local)
        loading.start()
        threading.Thread(target=_warm, args=(app.state.site,), daemon=True).start()
        config = uvicorn.Config(
            app, http=Protocol, log_level="warning", log_config=None, server_header=False,
            access_log=False,
            timeout_graceful_shutdown=int(number_of(STOP_WITHIN, 60)),
        )
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listener.getsockname()[1]}"
        schedule = Schedule(company)
        schedule.start()
        _stop_in_order()
        try:
            _Announcing(config, lambda: tell(f"Serving {address}")).run(sockets=[listener])
        finally:
            schedule.stop()
    finally:
        loading.close()
        company.events.close()
        listener.close()


def _share_arenas() -> None:
    """Let threads share two heaps, where the C library can: one each keeps what a page took."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


def _stop_in_order() -> None:
    """Let SIGTERM end the process as Ctrl-C does: the schedule and the inbox are closed first.

    uvicorn takes the signal, answers what has begun, and gives it on to whom it was meant for.
    """
    def stop(_number: int, _frame: object) -> None:
        raise SystemExit(0)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)


def _warm(site: Site) -> None:
    try:
        # A first event must not wait for what opens the keys.
        site.company.state.known_keys()
        site.warm()
    except Exception:
        # The first visitor gets the same failure with its reason; the server stays up.
        _log.exception("Warming up failed")


def hosts_of(host: str, names: Collection[str]) -> frozenset[str]:
    """The Host names that a server bound to `host` answers to, lower case and without port."""
    given = [*names, *re.split(r"[,\s]+", os.environ.get(HOSTS, ""))]
    bound = f"[{host}]" if ":" in host else host
    found = (host_name(name.strip()) for name in (bound, *given))
    return frozenset({*LOOPBACK, *found} - {""})


def check_people(company: Company, host: str) -> None:
    """Refuse to serve to others while everybody would be let in.

    Raises
    ------
    UsageError
        If nobody has been added who may log in, and `host` is reached from elsewhere.
    """
    if not _is_local(host) and not company.state.people.is_any():
        raise UsageError(
            f"Serving on {host} lets others in, and nobody has been added who may log in.",
            hint="Add yourself first: staycurve people add EMAIL --role admin",
        )


def _is_local(host: str) -> bool:
    """Whether what is bound to `host` is reached from this machine alone."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return bool(found) and all(
            ipaddress.ip_address(one[4][0]).is_loopback for one in found
        )
    except ValueError:
        return False
    except OSError:
        # No host of this machine: nothing is bound to it.
        return True


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens on host and port."""
    if not 0 <= port <= 65535:
        raise UsageError(f"{port} is not a port.", hint="Write a number from 0 to 65535.")
    try:
        family, kind, proto, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
    except OSError:
        raise UsageError(
            f"'{host}' is not a host of this machine.", hint="Write: --host 127.0.0.1"
        ) from None
    # With its protocol: asyncio sends small answers at once (TCP_NODELAY) where it is stated alone,
    # else head and body of an answer are 40 ms apart.
    listener = socket.socket(family, kind, proto)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortError(
                f"Port {port} on {host} is in use by another program.",
                hint=f"Choose another: staycurve serve --port {port + 1}",
                port=port,
            ) from None
        raise PortError(
            f"Cannot listen on {host}:{port}: {error.strerror}.",
            hint="Choose another: staycurve serve --host 127.0.0.1 --port 8765",
            port=port,
        ) from None
    listener.setblocking(False)
    return listener
