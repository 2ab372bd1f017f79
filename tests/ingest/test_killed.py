"""Killed under load: nothing that was acknowledged is lost, and nothing is there twice."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import random
import threading
import time
from pathlib import Path

from staycurve.workspace import Company
from tests.ingest.conftest import NOW, serving

KILLS = 2
SENDERS = 3


class Sender:
    """Sends batches until the server is gone, and keeps what was acknowledged."""

    def __init__(self, address: str, key: str, name: str) -> None:
        self.host = address.partition("://")[2]
        self.key = key
        self.name = name
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()

    def run(self) -> None:
        """Until a connection fails; a batch whose answer is lost is sent again by the next."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        at = dt.datetime.now(dt.UTC).isoformat()
        number = 0
        while True:
            ids = [f"{self.name}-{number}-{n}" for n in range(20)]
            body = json.dumps({"sentAt": at, "batch": [
                {"type": "track", "messageId": one, "userId": "u", "event": "Used",
                 "timestamp": at} for one in ids
            ]})
            self.sent |= set(ids)
            try:
                connection.request(
                    "POST", "/v1/batch", body, {"Authorization": f"Bearer {self.key}"}
                )
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
                if not number % 3:
                    # Acknowledged once, and sent again: an SDK whose answer was lost does that.
                    connection.request(
                        "POST", "/v1/batch", body, {"Authorization": f"Bearer {self.key}"}
                    )
                    connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                return
            self.acknowledged |= set(ids)
            number += 1


def test_killed_at_random_moments_under_load(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    Company.create(folder, name="Test", currency="USD", timezone="UTC")
    with Company(folder, clock=lambda: NOW) as company:
        key = company.state.create_key("ingest")[1]
    chance = random.Random(7)
    senders: list[Sender] = []
    for turn in range(KILLS):
        with serving(folder) as server:
            now = [Sender(server.address, key, f"{turn}-{n}") for n in range(SENDERS)]
            threads = [threading.Thread(target=one.run) for one in now]
            for thread in threads:
                thread.start()
            # A drain begins each second: after so many events one is under way, or none, by chance.
            enough = chance.randrange(400, 4000)
            while sum(len(one.acknowledged) for one in now) < enough and threads[0].is_alive():
                time.sleep(0.01)
            server.process.kill()
            for thread in threads:
                thread.join()
            senders += now
    acknowledged = set().union(*(one.acknowledged for one in senders))
    sent = set().union(*(one.sent for one in senders))
    assert len(acknowledged) > 100
    with Company(folder, clock=lambda: dt.datetime.now(dt.UTC)) as company:
        company.events.bring()
        with company.reading() as engine:
            rows = [row[0] for row in engine.rows("SELECT event_id FROM events")]
        assert company.rejects() == []
    assert len(rows) == len(set(rows))
    assert acknowledged <= set(rows) <= sent
