"""HTTP out: what is tried again and for how long, what is an error, and what no error tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from staycurve.errors import SourceError
from staycurve.sources.http import (
    Client,
    NotThereError,
    Pace,
    Patience,
    PermissionMissingError,
    RefusedError,
    is_local,
    retry_after,
)
from staycurve.workspace import Company
from tests.company import NOW, create

KEY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"


class Answers:
    """A system that gives these answers, one after the other, and notes the pauses between."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers: Iterator[httpx.Response | Exception] = iter(answers)
        self.pauses: list[float] = []
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, **more: Any) -> Client:
        return Client(
            "Stripe", "https://api.stripe.com", headers={"Authorization": f"Bearer {KEY}"},
            secrets=[KEY], key_hint="Check STRIPE_API_KEY.",
            told=lambda status, body: (body or {}).get("error", ""),
            sleep=self.pauses.append, transport=httpx.MockTransport(self), **more,
        )


def test_a_system_that_is_busy_is_asked_again_with_growing_pauses() -> None:
    answers = Answers(
        httpx.Response(500), httpx.Response(503), httpx.ConnectError("refused"),
        httpx.Response(200, content=b'{"data": [1'), httpx.Response(200, json={"data": [1]}),
    )
    assert answers.client().get("/v1/x", [("limit", "1")]) == {"data": [1]}
    assert len(answers.pauses) == 4
    for pause, longest in zip(answers.pauses, (0.5, 1, 2, 4), strict=True):
        assert longest / 2 <= pause <= longest
    assert answers.asked[0].url == "https://api.stripe.com/v1/x?limit=1"


def test_a_pause_that_is_asked_for_is_kept() -> None:
    answers = Answers(
        httpx.Response(429, headers={"Retry-After": "7"}),
        httpx.Response(429, headers={
            "Retry-After": "Wed, 21 Oct 2026 07:28:10 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
        }),
        httpx.Response(200, json=[]),
    )
    assert answers.client().get("/v1/x") == []
    first, second = answers.pauses
    assert 7 <= first <= 7.5
    assert 10 <= second <= 10.5


def test_a_pause_beyond_all_patience_ends_the_stream() -> None:
    answers = Answers(httpx.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(SourceError, match="3,600 seconds"):
        answers.client().get("/v1/x")
    assert answers.pauses == []


def test_a_system_that_stays_away_is_one_clear_error() -> None:
    answers = Answers(*[httpx.ConnectError("no route") for _ in range(3)])
    with pytest.raises(SourceError, match="Stripe is away: ConnectError no route") as caught:
        answers.client(patience=Patience(tries=3)).get("/v1/x")
    assert "3 tries" in caught.value.message
    assert len(answers.pauses) == 2


@pytest.mark.parametrize(("status", "error", "words"), [
    (401, SourceError, "does not know the key"),
    (403, PermissionMissingError, "may not read /v1/x"),
    (404, NotThereError, "nothing at /v1/x"),
    (400, RefusedError, "refuses /v1/x"),
    (302, SourceError, "not followed"),
])
def test_what_does_not_pass_is_said_at_once(
    status: int, error: type[Exception], words: str
) -> None:
    answers = Answers(httpx.Response(status, json={"error": f"Bad key {KEY}.\nSee docs."}))
    with pytest.raises(error, match=words) as caught:
        answers.client().get("/v1/x")
    assert answers.pauses == []
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_system_may_say_itself_whether_to_try_again() -> None:
    final = Answers(httpx.Response(409, headers={"Stripe-Should-Retry": "false"}))
    with pytest.raises(RefusedError):
        final.client().get("/v1/x")
    again = Answers(
        httpx.Response(400, headers={"Stripe-Should-Retry": "true"}), httpx.Response(200, json=1)
    )
    assert again.client().get("/v1/x") == 1


@pytest.mark.parametrize(("text", "sent", "seconds"), [
    (None, None, None), ("", None, None), ("soon", None, None), ("nan", None, None),
    ("inf", None, None), ("2.5", None, 2.5), ("-3", None, 0.0),
    ("Wed, 21 Oct 2026 07:28:00 GMT", None, None),
    ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:29:00 GMT", 0.0),
])
def test_what_retry_after_asks_for(text: str | None, sent: str | None, seconds: Any) -> None:
    assert retry_after(text, sent) == seconds


def test_requests_keep_their_pace() -> None:
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    clock: Callable[[], float] = lambda: now[0]  # noqa: E731
    pace = Pace(4, clock=clock, sleep=sleep)
    for _ in range(3):
        pace.wait()
    now[0] += 10
    pace.wait()
    assert slept == [0.25, 0.25]


@pytest.mark.parametrize(("origin", "is_here"), [
    ("http://127.0.0.1:12111", True), ("http://localhost:1", True), ("http://[::1]:5", True),
    ("https://api.stripe.com", False), ("http://127.evil.com", False),
])
def test_which_origins_are_on_this_machine(origin: str, is_here: bool) -> None:
    assert is_local(origin) is is_here


def test_where_nobody_answers_the_other_streams_are_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[object] = []

    def pause(_self: Client, state: object) -> float:
        slept.append(state)
        return 0.0

    monkeypatch.setattr(Client, "_pause", pause)
    monkeypatch.setenv("STRIPE_KEY", "sk_test_away")
    create(tmp_path / "project").close()
    with (tmp_path / "project" / "staycurve.toml").open("a", encoding="utf-8") as file:
        file.write('\n[sources.stripe]\nkind = "stripe"\napi_key = { env = "STRIPE_KEY" }\n'
                   'base_url = "http://127.0.0.1:9"\n')
    with Company(tmp_path / "project", clock=lambda: NOW) as company:
        reports = company.sources.sync()
    asked = [one for one in reports if one.error is not None]
    assert len(asked) > 5
    assert {one.error.code for one in asked if one.error} == {"away"}
    assert "sk_test_away" not in "".join(str(one.error) for one in asked)
    # The first stream was patient for all.
    assert len(slept) == Patience().tries
