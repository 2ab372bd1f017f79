"""A PostgreSQL server of the tests' own: a directory, a socket in it, and no port."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

USERS = ("postgres", "nobody")
"""The server refuses to run as root: then it runs as the first of these that there is."""


@dataclass(frozen=True)
class Server:
    """A server that runs, reached by the socket in its directory."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str) -> str:
        """The URL of one of its databases, as [state] takes it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def new(self) -> str:
        """The URL of a database that is empty."""
        import psycopg

        name = f"state_{next(self._numbers)}"
        given = f"host={self.folder} user=postgres dbname=postgres"
        with psycopg.connect(given, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)


def binaries() -> Path | None:
    """Where the server's programs are; Debian keeps them off the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return places[-1].parent if places else None


@contextmanager
def running(programs: Path) -> Iterator[Server]:
    """A server while the block runs."""
    # Neither pytest's directories nor root's own can be entered by another user.
    folder = Path(tempfile.mkdtemp(prefix="staycurve-postgres-", dir="/tmp"))
    user = None
    if os.geteuid() == 0:
        known = {one.pw_name: one for one in pwd.getpwall()}
        user = next(name for name in USERS if name in known)
        os.chown(folder, known[user].pw_uid, known[user].pw_gid)
    data = folder / "data"

    def run(program: str, *words: str) -> None:
        subprocess.run(
            [str(programs / program), "-D", str(data), *words], user=user, check=True,
            cwd=folder, stdout=subprocess.DEVNULL,
        )

    try:
        run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        # Durability is the server's business, not what is tested.
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c timezone=Asia/Tokyo"
        run("pg_ctl", "-w", "-s", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield Server(folder)
        finally:
            run("pg_ctl", "-w", "-s", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
