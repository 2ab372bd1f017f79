"""What every list shares: passes that go on, pages that repeat, objects that nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from staycurve.sources.configured import CONFIGURED
from staycurve.sources.rest import Page, address, instant, numbered, token, written
from tests.sources.lists.fake import Fake, Query, served
from tests.sources.lists.test_systems import KEY, rows, synced

AUTH = ("x-api-token", KEY)


def organizations(*entries: Any, cursors: dict[str, str | None]) -> Any:
    """Organizations a page at a time; nothing else."""

    def answer(path: str, query: Query) -> Any:
        if path != "/api/v2/organizations":
            return {"data": [], "additional_data": {}}
        number = int(query.get("cursor", 0))
        following = cursors.get(query.get("cursor", ""))
        return {"data": [entries[number]], "additional_data": {"next_cursor": following}}

    return answer


def org(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"Org {number}", "update_time": "2026-05-01T00:00:00Z"}


def test_a_pass_that_was_ended_goes_on_at_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staycurve.sources.syncing.ROWS_AT_ONCE", 1)
    answer = organizations(org(1), org(2), org(3), cursors={"": "1", "1": "2", "2": None})
    fake = Fake(answer, AUTH, failures={})
    with served(fake):
        company = synced(tmp_path, monkeypatch, "pipedrive", fake)
        assert len(rows(company, "accounts", "account_id")) == 3
        # Another project: its second page is one that the key may not see.
        fake.failures = {fake.requests + 2: 403}
        with pytest.raises(AssertionError, match="may not read"):
            synced(tmp_path / "second", monkeypatch, "pipedrive", fake)
        from staycurve.workspace import Company
        from tests.company import NOW

        with Company(tmp_path / "second" / "project", clock=lambda: NOW) as second:
            assert rows(second, "accounts", "account_id") == [("crm:1",)]
            fake.asked.clear()
            assert all(not report.errors for report in second.sources.sync())
            assert [query.get("cursor") for path, query in fake.asked
                    if path.endswith("organizations")] == ["1", "2"]
            assert len(rows(second, "accounts", "account_id")) == 3
        company.close()


def test_what_has_a_shape_that_nobody_knows_is_rejected_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = organizations({"id": 1}, "odd", org(3), cursors={"": "1", "1": "2", "2": None})
    with served(Fake(answer, AUTH)) as fake:
        company = synced(tmp_path, monkeypatch, "pipedrive", fake)
        assert rows(company, "accounts", "account_id") == [("crm:3",)]
        told = sorted((row["value"], row["rule"]) for row in company.rejects())
        assert told == [
            ("odd", "is no organization with an id"),
            ("organization 1", "has a shape that is not known: KeyError"),
        ]
        company.close()


def test_a_page_that_repeats_and_a_wrong_key_are_errors_without_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = organizations(org(1), org(2), cursors={"": "1", "1": "1"})
    with served(Fake(answer, AUTH, failures={})) as fake:
        with pytest.raises(AssertionError, match="same page of organizations"):
            synced(tmp_path, monkeypatch, "pipedrive", fake)
        fake.auth = ("x-api-token", "another")
        with pytest.raises(AssertionError, match="does not know the key") as caught:
            synced(tmp_path / "second", monkeypatch, "pipedrive", fake)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(("keys", "wrong"), [
    ({"kind": "pipedrive"}, "api_key"),
    ({"kind": "pipedrive", "api_key": "plain"}, "never the secret itself"),
    ({"kind": "pipedrive", "api_key": {"env": "X"}, "base_url": "http://example.com"},
     "unencrypted"),
    ({"kind": "salesforce", "domain": "acme.my.salesforce.com"}, "client_secret"),
    ({"kind": "zendesk", "subdomain": "a/b", "email": "e", "api_key": {"env": "X"}},
     "no subdomain"),
])
def test_sections_that_cannot_be_followed(keys: dict[str, Any], wrong: str) -> None:
    _, faults = CONFIGURED.read({"crm": keys})
    assert any(wrong in fault.message for fault in faults)


def test_where_the_next_page_is() -> None:
    first = Page(())
    assert token("a.0.next", "after")({"a": [{"next": 7}]}, first, 1) == Page((("after", "7"),))
    assert token("a", "after")({}, first, 1) is None
    found = address("next")({"next": "https://elsewhere.test/list?page=2&x="}, first, 1)
    assert found == Page((("page", "2"), ("x", "")), "/list")
    pages = numbered("page", 2)
    assert pages([], first, 2) == Page((("page", "2"),))
    assert pages([], Page((("page", "2"),)), 1) is None
    assert Page.of(Page((("a", "b"),), "/x").as_kept()) == Page((("a", "b"),), "/x")


def test_instants_as_systems_write_them() -> None:
    told = ("2026-03-01T10:00:00.000+0000", "2026-03-01 10:00:00", 1772359200, 1772359200000)
    assert {written(one) for one in told} == {"2026-03-01T10:00:00.000000+00:00"}
    assert written("soon") == ""
    assert instant("") is None
