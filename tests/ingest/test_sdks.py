"""The SDKs themselves against a server: what they send is in the lake, once, retries included."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from staycurve.workspace import Company
from tests.ingest.conftest import NOW, Server, serving

COUNT = 30


class Flaky(ThreadingHTTPServer):
    """Passes requests on, but for the first that come: of these it loses the answer, or the call.

    Attributes
    ----------
    statuses : list of int
        What the first requests are answered with: 503 was taken all the same, 429 was not.
    """

    def __init__(self, address: str, statuses: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Pass)
        self.address = address
        self.statuses = statuses
        self.seen: list[int] = []
        self.lock = threading.Lock()


class _Pass(BaseHTTPRequestHandler):
    server: Flaky

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            status = self.server.statuses.pop(0) if self.server.statuses else 0
        content = b"{}"
        if status != 429:
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            answer = httpx.post(self.server.address + self.path, content=body, headers=headers)
            status, content = status or answer.status_code, answer.content
        self.server.seen.append(status)
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sdks") / "project"
    Company.create(folder, name="Test", currency="USD", timezone="UTC")
    with serving(folder) as found:
        yield found


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    with Company(server.folder, clock=lambda: NOW) as company:
        return company.state.create_key("ingest")[1]


@pytest.fixture
def flaky(server: Server) -> Iterator[Flaky]:
    made = Flaky(server.address, [503, 429])
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def rows(server: Server, sql: str) -> list[Any]:
    """What is loaded once everything that waits is."""
    with Company(server.folder, clock=lambda: dt.datetime.now(dt.UTC)) as company:
        # The server may have loaded it, and not refreshed yet.
        company.events.bring(is_owed=True)
        with company.reading() as engine:
            return engine.rows(sql)


def check(server: Server, flaky: Flaky, user: str) -> None:
    """Whether every event is in, once, and the person and the account are known."""
    # Clients send side by side: the answers that fail need not be the first that arrive.
    others = sorted(flaky.seen)
    assert others[-2:] == [429, 503]
    assert set(others[:-2]) == {200}
    found = rows(
        server,
        "SELECT json_extract_string(properties, '$.n'), user_id FROM events "
        f"WHERE event = 'Used by {user}' ORDER BY CAST(json_extract_string(properties, '$.n') "
        "AS INTEGER)",
    )
    assert found == [(str(n), user) for n in range(COUNT)]
    assert rows(server, f"SELECT user_id FROM events WHERE event = 'Seen before {user}'") == [
        (user,)
    ]
    assert rows(
        server, f"SELECT account_id, role, email FROM users WHERE user_id = '{user}'"
    ) == [(f"acme-{user}", "admin", f"{user}@example.com")]
    assert rows(
        server, f"SELECT industry FROM accounts WHERE account_id = 'acme-{user}'"
    ) == [("EdTech",)]


def run(script: str, flaky: Flaky, key: str, user: str, **env: str) -> None:
    """A Python program that sends and waits until all is sent."""
    host = f"http://127.0.0.1:{flaky.server_port}"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), host, key, user, str(COUNT)],
        capture_output=True, text=True, timeout=180, env={**os.environ, **env},
    )
    assert done.returncode == 0, done.stderr[-2000:]


SEGMENT = """
    import sys
    from segment.analytics.client import Client
    host, key, user, count = sys.argv[1:]
    client = Client(key, host=host, gzip=True, upload_size=10, max_retries=8)
    client.track(anonymous_id="visit-" + user, event="Seen before " + user)
    client.identify(user, {"role": "admin", "email": user + "@example.com"},
                    anonymous_id="visit-" + user)
    client.group(user, "acme-" + user, {"industry": "EdTech"})
    for n in range(int(count)):
        client.track(user, "Used by " + user, {"n": n})
    client.shutdown()
"""

POSTHOG = """
    import sys
    from posthog import Posthog
    host, key, user, count = sys.argv[1:]
    client = Posthog(key, host=host, gzip=True, flush_at=10, max_retries=8)
    client.capture("Seen before " + user, distinct_id="visit-" + user)
    client.alias("visit-" + user, user)
    client.set(distinct_id=user, properties={"role": "admin", "email": user + "@example.com"})
    client.group_identify("company", "acme-" + user, {"industry": "EdTech"}, distinct_id=user)
    for n in range(int(count)):
        client.capture("Used by " + user, distinct_id=user, properties={"n": n},
                       groups={"company": "acme-" + user})
    client.shutdown()
"""


def test_segments_python_client(server: Server, flaky: Flaky, key: str) -> None:
    pytest.importorskip("segment.analytics")
    run(SEGMENT, flaky, key, "segpy")
    check(server, flaky, "segpy")


@pytest.mark.parametrize("mode", ["", "v1"])
def test_posthogs_python_client(server: Server, flaky: Flaky, key: str, mode: str) -> None:
    pytest.importorskip("posthog")
    user = f"phpy{mode}"
    run(POSTHOG, flaky, key, user, **({"POSTHOG_CAPTURE_MODE": mode} if mode else {}))
    check(server, flaky, user)


FLAGS = """
    import sys
    from posthog import Posthog
    host, key, user, count = sys.argv[1:]
    client = Posthog(key, host=host)
    found = client.get_flags_decision(user)
    assert (found["flags"], found["errorsWhileComputingFlags"]) == ({}, False), found
    assert not client.get_feature_flag("new-page", user)
    client.shutdown()
"""


def test_posthogs_python_client_is_told_of_no_flags(
    server: Server, flaky: Flaky, key: str
) -> None:
    pytest.importorskip("posthog")
    flaky.statuses.clear()
    run(FLAGS, flaky, key, "flags")
    assert set(flaky.seen) == {200}


def test_a_server_brings_events_in_by_itself(server: Server, key: str) -> None:
    event = {"userId": "u", "event": "Seen by itself", "messageId": "by-itself"}
    answer = httpx.post(f"{server.address}/v1/track", json={**event, "writeKey": key})
    assert answer.status_code == 200
    ends = time.monotonic() + 60
    waits = "staycurve_inbox_events 0"
    while waits not in httpx.get(f"{server.address}/metrics", timeout=60).text:
        assert time.monotonic() < ends
        time.sleep(0.1)
    with Company(server.folder, clock=lambda: NOW) as company, company.reading() as engine:
        assert engine.rows("SELECT event FROM events WHERE event_id = 'by-itself'")


SEGMENT_NODE = """
const { Analytics } = require('@segment/analytics-node');
const [host, key, user, count] = process.argv.slice(2);
const client = new Analytics({ writeKey: key, host, maxEventsInBatch: 10, maxRetries: 8 });
client.track({ anonymousId: 'visit-' + user, event: 'Seen before ' + user });
client.identify({ userId: user, anonymousId: 'visit-' + user,
  traits: { role: 'admin', email: user + '@example.com' } });
client.group({ userId: user, groupId: 'acme-' + user, traits: { industry: 'EdTech' } });
for (let n = 0; n < Number(count); n++)
  client.track({ userId: user, event: 'Used by ' + user, properties: { n } });
client.closeAndFlush({ timeout: 60000 }).then(() => process.exit(0));
"""

POSTHOG_NODE = """
const { PostHog } = require('posthog-node');
const [host, key, user, count] = process.argv.slice(2);
const client = new PostHog(key, { host, flushAt: 10, fetchRetryCount: 8, fetchRetryDelay: 500 });
client.capture({ distinctId: 'visit-' + user, event: 'Seen before ' + user });
client.alias({ distinctId: user, alias: 'visit-' + user });
client.identify({ distinctId: user,
  properties: { role: 'admin', email: user + '@example.com' } });
client.groupIdentify({ groupType: 'company', groupKey: 'acme-' + user,
  properties: { industry: 'EdTech' }, distinctId: user });
for (let n = 0; n < Number(count); n++)
  client.capture({ distinctId: user, event: 'Used by ' + user, properties: { n },
    groups: { company: 'acme-' + user } });
client.shutdown(60000).then(() => process.exit(0));
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients for Node."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node or npm is not installed")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text(json.dumps({"name": "sends", "private": True}))
    try:
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts",
             "@segment/analytics-node@3", "posthog-node@5"],
            cwd=folder, capture_output=True, text=True, timeout=120,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm does not answer")
    if done.returncode:
        pytest.skip(f"npm cannot install: {(done.stderr.strip().splitlines() or ['?'])[0]}")
    return folder


@pytest.mark.parametrize(("script", "user"), [(SEGMENT_NODE, "segjs"), (POSTHOG_NODE, "phjs")])
def test_the_clients_for_node(
    server: Server, flaky: Flaky, key: str, node: Path, script: str, user: str
) -> None:
    host = f"http://127.0.0.1:{flaky.server_port}"
    (node / f"{user}.js").write_text(script)
    done = subprocess.run(
        ["node", f"{user}.js", host, key, user, str(COUNT)],
        cwd=node, capture_output=True, text=True, timeout=180,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    check(server, flaky, user)
