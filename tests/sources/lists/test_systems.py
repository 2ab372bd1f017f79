"""Each system as its documentation describes it: pages, keys, limits; rows worked out by hand."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from staycurve.workspace import Company
from tests.company import NOW, create
from tests.sources.lists.fake import Fake, Query, paged, served

KEY = "key-of-the-tests-8f2a"


def synced(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str, fake: Fake, settings: str = ""
) -> Company:
    """A project with one source of a kind, synced once."""
    monkeypatch.setenv("LIST_KEY", KEY)
    create(folder / "project").close()
    path = folder / "project" / "staycurve.toml"
    key = "access_token" if kind == "salesforce" else "api_key"
    path.write_text(
        path.read_text(encoding="utf-8") + f'\n[sources.crm]\nkind = "{kind}"\n'
        f'{key} = {{ env = "LIST_KEY" }}\nbase_url = "{fake.origin}"\n{settings}\n',
        encoding="utf-8",
    )
    company = Company(folder / "project", clock=lambda: NOW)
    reports = company.sources.sync()
    assert [error.message for report in reports for error in report.errors] == []
    return company


def rows(company: Company, table: str, columns: str) -> list[tuple[Any, ...]]:
    with company.reading() as engine:
        return engine.rows(f"SELECT {columns} FROM {table} ORDER BY 1")


def bearer() -> tuple[str, str]:
    return "Authorization", f"Bearer {KEY}"


def basic(text: str) -> tuple[str, str]:
    return "Authorization", "Basic " + base64.b64encode(text.encode()).decode()


COMPANIES = [
    {"id": str(n), "updatedAt": f"2026-05-0{n}T00:00:00Z", "createdAt": "2026-01-01T00:00:00Z",
     "properties": {"name": f"Company {n}", "industry": "Retail", "customer_id":
                    "acme" if n == 1 else None}}
    for n in (1, 2, 3)
]
DEALS = [
    {"id": "7", "updatedAt": "2026-05-01T00:00:00Z", "properties": {
        "createdate": "2026-02-01T00:00:00Z", "closedate": "2026-03-01T00:00:00Z",
        "hs_is_closed_won": "true", "hs_is_closed": "true"},
     "associations": {"companies": {"results": [{"id": "1"}]}}},
    {"id": "8", "updatedAt": "2026-05-01T00:00:00Z", "properties": {
        "createdate": "2026-02-02T00:00:00Z", "closedate": "2026-03-02T00:00:00Z",
        "hs_is_closed_won": "false", "hs_is_closed": "true", "closed_lost_reason": "price"}},
    {"id": "9", "updatedAt": "2026-05-01T00:00:00Z", "properties": {
        "createdate": "2026-02-03T00:00:00Z", "hs_is_closed": "false"}},
]
CONTACTS = [
    {"id": "c1", "updatedAt": "2026-05-01T00:00:00Z", "properties": {
        "email": "a@acme.test", "firstname": "Ada", "lastname": "A", "associatedcompanyid": "2"}},
    {"id": "c2", "updatedAt": "2026-05-01T00:00:00Z", "properties": {"email": "x@x.test"}},
]


def hubspot(path: str, query: Query) -> Any:
    items: list[Any] = {"companies": COMPANIES, "contacts": CONTACTS, "deals": DEALS}[
        path.removeprefix("/crm/v3/objects/")]
    page, after = paged(items, query.get("after"))
    return {"results": page, **({"paging": {"next": {"after": after}}} if after else {})}


def test_hubspot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Fake(hubspot, bearer())) as fake:
        company = synced(tmp_path, monkeypatch, "hubspot", fake, 'account_id = "customer_id"')
        assert rows(company, "accounts", "account_id, name, industry") == [
            ("acme", "Company 1", "Retail"), ("crm:2", "Company 2", "Retail"),
            ("crm:3", "Company 3", "Retail"),
        ]
        assert rows(company, "users", "user_id, account_id, name") == [
            ("crm:c1", "crm:2", "Ada A")
        ]
        assert rows(company, "leads", "lead_id, account_id, won_on, lost_on, lost_reason") == [
            ("crm:7", "acme", _day("2026-03-01"), None, None),
            ("crm:8", None, None, _day("2026-03-02"), "price"),
            ("crm:9", None, None, None, None),
        ]
        assert "customer_id" in fake.asked[0][1]["properties"]
        loads = len(company.loads())
        changed = {**COMPANIES[2], "updatedAt": "2026-06-01T00:00:00Z",
                   "properties": {"name": "Company 3", "country": "DE"}}
        monkeypatch.setattr(f"{__name__}.COMPANIES", [*COMPANIES[:2], changed])
        company.sources.sync()
        # The list shows all; what did not change is no row, and what HubSpot does not say stays.
        assert rows(company, "accounts", "account_id, industry, country")[2] == (
            "crm:3", "Retail", "DE"
        )
        told = [one for one in company.loads()[loads:] if one.table == "accounts"]
        assert [one.accepted + one.replaced for one in told] == [1]
        company.close()


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def salesforce(path: str, query: Query) -> Any:
    if path.endswith("-2"):
        return {"done": True, "records": [ACCOUNTS[2]]}
    asked = query["q"]
    if " FROM Account" in asked:
        return {"done": False, "records": ACCOUNTS[:2],
                "nextRecordsUrl": "/services/data/v62.0/query/01g-2"}
    if " FROM Lead" in asked:
        return {"done": True, "records": [
            {"Id": "L1", "CreatedDate": "2026-01-05T10:00:00.000+0000", "LeadSource": "Web",
             "IsConverted": True, "ConvertedDate": "2026-01-09", "ConvertedAccountId": "A1",
             "SystemModstamp": "2026-01-09T10:00:00.000+0000"}]}
    return {"done": True, "records": [
        {"Id": "O1", "CreatedDate": "2026-01-09T10:00:00.000+0000", "CloseDate": "2026-02-01",
         "AccountId": "A2", "IsWon": False, "IsClosed": True,
         "SystemModstamp": "2026-02-01T10:00:00.000+0000"}]}


ACCOUNTS = [
    {"Id": f"A{n}", "Name": f"Account {n}", "CreatedDate": "2026-01-01T10:00:00.000+0000",
     "Industry": "Energy", "SystemModstamp": "2026-01-01T10:00:00.000+0000",
     "ParentId": "A1" if n == 2 else None, "Customer__c": "acme" if n == 1 else None}
    for n in (1, 2, 3)
]


def test_salesforce(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Fake(salesforce, bearer())) as fake:
        company = synced(
            tmp_path, monkeypatch, "salesforce", fake,
            'domain = "acme.my.salesforce.com"\naccount_id = "Customer__c"',
        )
        assert rows(company, "accounts", "account_id, name, industry") == [
            ("acme", "Account 1", "Energy"), ("crm:A2", "Account 2", "Energy"),
            ("crm:A3", "Account 3", "Energy"),
        ]
        assert rows(company, "leads", "lead_id, account_id, qualified_on, won_on, lost_on") == [
            ("crm:L1", "acme", _day("2026-01-09"), None, None),
            ("crm:O1", "crm:A2", _day("2026-01-09"), None, _day("2026-02-01")),
        ]
        company.sources.sync()
        again = [query["q"] for path, query in fake.asked if "q" in query][3]
        assert " WHERE SystemModstamp >= 2026-01-01T10:00:00Z ORDER BY SystemModstamp, Id" in again
        company.close()


ORGS = [{"id": n, "name": f"Org {n}", "add_time": "2026-01-01T00:00:00Z",
         "update_time": f"2026-05-0{n}T00:00:00Z", "address": {"country": "DE"}}
        for n in (1, 2, 3)]


def pipedrive(path: str, query: Query) -> Any:
    items: list[Any] = {
        "organizations": ORGS,
        "persons": [{"id": 5, "org_id": 1, "name": "Bo", "update_time": "2026-05-01T00:00:00Z",
                     "emails": [{"value": "b@b.test", "primary": True}]}],
        "deals": [
            {"id": 6, "org_id": 2, "status": "won", "add_time": "2026-01-02T00:00:00Z",
             "won_time": "2026-02-02T00:00:00Z", "update_time": "2026-05-01T00:00:00Z"},
            {"id": 7, "org_id": None, "status": "lost", "add_time": "2026-01-03T00:00:00Z",
             "lost_time": "2026-02-03T00:00:00Z", "lost_reason": "silence",
             "update_time": "2026-05-02T00:00:00Z"},
        ],
    }[path.removeprefix("/api/v2/")]
    items = [one for one in items if one["update_time"] >= query.get("updated_since", "")]
    page, cursor = paged(items, query.get("cursor"))
    return {"success": True, "data": page, "additional_data": {"next_cursor": cursor}}


def test_pipedrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Fake(pipedrive, ("x-api-token", KEY))) as fake:
        company = synced(tmp_path, monkeypatch, "pipedrive", fake)
        assert rows(company, "accounts", "account_id, name, country") == [
            (f"crm:{n}", f"Org {n}", "DE") for n in (1, 2, 3)
        ]
        assert rows(company, "users", "user_id, account_id, email") == [
            ("crm:5", "crm:1", "b@b.test")
        ]
        assert rows(company, "leads", "lead_id, account_id, won_on, lost_on, lost_reason") == [
            ("crm:6", "crm:2", _day("2026-02-02"), None, None),
            ("crm:7", None, None, _day("2026-02-03"), "silence"),
        ]
        fake.asked.clear()
        company.sources.sync()
        assert fake.asked[0][1]["updated_since"] == "2026-05-03T00:00:00Z"
        company.close()


def zendesk(path: str, query: Query) -> Any:
    if path == "/api/v2/organizations":
        return {"organizations": [
            {"id": 11, "name": "Acme", "external_id": "acme", "updated_at": "2026-01-01T00:00:00Z"},
        ], "links": {"next": None}, "meta": {"has_more": False}}
    shared = {"created_at": "2026-03-01T10:00:00Z", "organization_id": 11, "requester_id": 3,
              "via": {"channel": "email"}, "priority": "high",
              "generated_timestamp": 1_772_400_000}
    first = {**shared, "id": 1, "status": "solved", "metric_set": {
        "solved_at": "2026-03-01T12:00:00Z", "replies": 1, "reopens": 0,
        "reply_time_in_minutes": {"calendar": 30}}}
    second = {**shared, "id": 2, "status": "open", "metric_set": {"replies": 3, "reopens": 1}}
    nobody = {**shared, "id": 3, "status": "open", "organization_id": None}
    if query.get("cursor") == "two":
        return {"tickets": [second, nobody], "after_cursor": "three", "end_of_stream": True}
    assert query["start_time"]
    return {"tickets": [first], "after_cursor": "two", "end_of_stream": False}


def test_zendesk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = basic(f"ops@acme.test/token:{KEY}")
    with served(Fake(zendesk, auth)) as fake:
        company = synced(tmp_path, monkeypatch, "zendesk", fake,
                         'subdomain = "acme"\nemail = "ops@acme.test"')
        assert rows(company, "accounts", "account_id, name") == [("acme", "Acme")]
        assert rows(
            company, "tickets", "ticket_id, account_id, agent_contacts, channel, "
            "CAST(first_response_at AS VARCHAR), CAST(solved_at AS VARCHAR), reopened_at"
        ) == [
            ("crm:1", "acme", 1, "email", "2026-03-01 10:30:00", "2026-03-01 12:00:00", None),
            ("crm:2", "acme", 3, "email", None, None, None),
        ]
        fake.asked.clear()
        company.sources.sync()
        assert fake.asked[1][1]["start_time"] == str(1_772_400_000 - 120)
        company.close()


def intercom(path: str, query: Query) -> Any:
    if path == "/companies/scroll":
        data = [] if "scroll_param" in query else [
            {"id": "i1", "company_id": "acme", "name": "Acme", "updated_at": 1_772_000_000}]
        return {"type": "list", "data": data, "scroll_param": "s"}
    if path == "/contacts":
        return {"data": [{"id": "p1", "name": "Pia", "updated_at": 1_772_000_000,
                          "companies": {"data": [{"id": "i1"}]}}], "pages": {}}
    talk = {"state": "closed", "created_at": 1_772_000_000, "updated_at": 1_772_009_000,
            "contacts": {"contacts": [{"id": "p1"}]}, "source": {"type": "email"},
            "statistics": {"first_admin_reply_at": 1_772_000_600, "last_close_at": 1_772_003_600,
                           "count_reopens": 1}}
    said = [("comment", "admin"), ("comment", "user"), ("comment", "bot"), ("close", "bot")]
    parts = {"conversation_parts": {"conversation_parts": [
        {"part_type": kind, "author": {"type": author}} for kind, author in said]}}
    page, after = paged([{**talk, **parts, "id": "1"}, {**talk, "id": "2", "state": "open"},
                         {**talk, "id": "3", "contacts": {"contacts": [{"id": "p9"}]}}],
                        query.get("starting_after"))
    return {"conversations": page, "pages": {"next": {"starting_after": after} if after else None}}


def test_intercom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Fake(intercom, bearer())) as fake:
        company = synced(tmp_path, monkeypatch, "intercom", fake)
        assert rows(company, "users", "user_id, account_id, name") == [("crm:p1", "acme", "Pia")]
        assert rows(
            company, "tickets", "ticket_id, account_id, user_id, CAST(solved_at AS VARCHAR), "
            "reopened_at = solved_at, agent_contacts, customer_contacts, solved_by"
        ) == [
            ("crm:1", "acme", "crm:p1", "2026-02-25 07:13:20", True, 1, 2, "bot"),
            ("crm:2", "acme", "crm:p1", None, None, None, None, None),
        ]
        company.close()


def freshdesk(path: str, query: Query) -> Any:
    if path == "/api/v2/companies":
        return [{"id": 5, "name": "Acme", "updated_at": "2026-01-01T00:00:00Z"}]
    assert query["include"] == "stats"
    shared = {"created_at": "2026-03-01T10:00:00Z", "company_id": 5, "source": 1, "priority": 4}
    return [
        {**shared, "id": 1, "status": 4, "updated_at": "2026-03-02T10:00:00Z",
         "stats": {"resolved_at": "2026-03-01T12:00:00Z",
                   "first_responded_at": "2026-03-01T11:00:00Z"}},
        {**shared, "id": 2, "status": 2, "updated_at": "2026-03-03T10:00:00Z",
         "stats": {"resolved_at": "2026-03-01T12:00:00Z",
                   "reopened_at": "2026-03-02T12:00:00Z"}},
        {**shared, "id": 3, "status": 2, "updated_at": "2026-03-03T10:00:00Z", "spam": True},
    ]


def test_freshdesk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Fake(freshdesk, basic(f"{KEY}:X"))) as fake:
        company = synced(tmp_path, monkeypatch, "freshdesk", fake, 'domain = "acme"')
        assert rows(
            company, "tickets", "ticket_id, account_id, channel, priority, "
            "CAST(solved_at AS VARCHAR), CAST(reopened_at AS VARCHAR)"
        ) == [
            ("crm:1", "crm:5", "email", "urgent", "2026-03-01 12:00:00", None),
            ("crm:2", "crm:5", "email", "urgent", None, "2026-03-02 12:00:00"),
        ]
        company.close()


