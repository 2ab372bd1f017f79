"""A disk that is really full: nothing acknowledged is lost, and it goes on once there is room."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from staycurve.errors import StaycurveError
from tests.ingest.conftest import asked, made
from tests.ingest.test_doors import track


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)],
        capture_output=True, text=True,
    )
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def test_a_disk_that_is_full(disk: Path) -> None:
    chance = random.Random(7)
    taken: set[str] = set()

    with asked(made(disk / "project")) as ours:

        def send(number: int) -> int:
            event = track(number, properties={"noise": chance.randbytes(4000).hex()})
            status = ours.post("/v1/batch", {"batch": [event]}).status_code
            if status == 200:
                taken.add(f"m{number}")
            return int(status)

        assert send(0) == 200
        ours.company.events.bring()
        assert [send(number) for number in range(1, 20)] == [200] * 19
        ballast = disk / "ballast"
        fill(ballast)
        statuses = {send(number) for number in range(20, 60)}
        assert statuses <= {200, 503, 507}
        assert send(60) == 507
        # Nor can it be loaded: all stays in the inbox, and no request is taken for a bad one.
        with pytest.raises((StaycurveError, OSError)):
            ours.company.events.bring()
        assert ours.company.events.inbox.failed() == []
        ballast.unlink()
        assert [send(number) for number in range(100, 110)] == [200] * 10
        found = [row[0] for row in ours.rows("SELECT event_id FROM events")]
        assert sorted(found) == sorted(taken)
        assert ours.rules() == []
