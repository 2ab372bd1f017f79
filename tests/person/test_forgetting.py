"""A person is planted wherever something is kept, forgotten, and searched for byte by byte."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from staycurve.sources.base import Sender, Stream
from staycurve.sources.batches import Batch, RawObject
from staycurve.sources.files import load_files
from staycurve.sources.sent.facts import Facts
from staycurve.sources.writer import LakeWriter
from staycurve.tables.raw import RAW_COLUMNS, RAW_TABLE
from staycurve.workspace import Company
from staycurve.workspace.backups import back_up, restore
from staycurve.workspace.person import UnknownPersonError
from tests.company import NOW, build, rows_of, write_csv

ID, MAIL, NAME, BROWSER = "usr-anna-77", "Anna.Keller@acme.example", "Anna Keller", "anon-9f8e7d6c"
BYTES = [text.lower().encode() for text in (ID, MAIL, NAME, BROWSER)]

SUBSCRIPTIONS = """
    subscription_id account_id plan starts_at  ends_at    amount
    s1              acme       Pro  2024-01-05 -          100
    s2              bolt       Pro  2024-02-01 2024-04-01 40"""
ACCOUNTS = f"""
    account_id name  created_at contact
    acme       Acme  2024-01-01 {MAIL}
    bolt       Bolt  2024-01-20 -"""
USERS = f"""
    user_id account_id email name      role  created_at city
    {ID}    acme       {MAIL} Anna_Keller admin 2024-01-06 Bern
    u2      acme       ben@acme.example Ben user 2024-01-07 Bern
    u3      bolt       cleo@bolt.example Cleo user 2024-02-02 Rome"""
IDENTITIES = f"""
    source alias     user_id since
    web    {BROWSER} {ID}    2024-01-06"""
EVENTS = f"""
    event_id user_id anonymous_id account_id event  occurred_at      properties
    e1       -       {BROWSER}    -          viewed 2024-02-03T10:00 {{}}
    e2       {ID}    -            acme       viewed 2024-02-09T10:00 {{"email":"{MAIL}","at":1}}
    e3       {ID}    -            acme       shared 2024-03-09T10:00 {{"with":["u2"]}}
    e4       u2      -            acme       shared 2024-03-09T11:00 {{"with":["{ID}"]}}
    e5       u3      -            bolt       viewed 2024-02-10T10:00 {{}}"""
ANSWERS = f"""
    answer_id survey kind account_id user_id answered_at score comment
    a1        q1     nps  acme       {ID}    2024-02-11  9     I_am_Anna_Keller
    a2        q1     nps  bolt       u3      2024-02-12  3     Ask_anna.keller@ACME.example"""
INVITATIONS = f"""
    invitation_id survey account_id user_id asked_at
    i1            q1     acme       {ID}    2024-02-10"""
TICKETS = f"""
    ticket_id account_id user_id opened_at topic
    t1        acme       {ID}    2024-02-15 Login_of_{MAIL}"""
LEADS = f"""
    lead_id created_at channel email  phone
    l1      2023-12-01 web     {MAIL} 555-1"""
TABLES = {
    "accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS, "users": USERS, "identities": IDENTITIES,
    "events": EVENTS, "answers": ANSWERS, "invitations": INVITATIONS, "tickets": TICKETS,
    "leads": LEADS,
}
SENDER = Sender("shop", "shop", Stream("customers", "Customers.", lambda _: ()))
FIGURES = ("mrr", "mau", "nps", "customers", "feature_adoption", "response_rate")


def figures(company: Company) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: [row["value"] for row in company.show(name, start="2024-01", end="2024-04").rows]
        for name in FIGURES
    }
    found["closed"] = company.closed().as_dict()
    found["restatements"] = company.restatements().as_dict()
    with company.reading() as engine:
        found["events of users"] = engine.rows(
            "SELECT COUNT(*), COUNT(DISTINCT user_id), COUNT(DISTINCT account_id) FROM events"
        )
        found["use"] = engine.rows(
            "SELECT account_id, feature, COUNT(DISTINCT user_id), SUM(uses) FROM usage_days "
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )
    return found


def planted(folder: Path) -> Company:
    """A company that has the person in every place that a company can have."""
    company = build(folder, TABLES)
    # An earlier version, a rejected row, a row that waits, an adjustment, a closed month.
    more = rows_of(USERS.replace("admin", "owner"))
    path = write_csv(folder.parent / "users.csv", more)
    load_files(company.lake, company.config, [path], now=NOW)
    bad = rows_of(f"""
        ticket_id account_id user_id opened_at topic
        t8        acme       {ID}    never     Of_{MAIL}
        t9        nobody     {ID}    2024-02-15 Of_Anna_Keller""")
    path = write_csv(folder.parent / "tickets.csv", bad)
    load_files(company.lake, company.config, [path], now=NOW)
    company.refresh()
    company.books.adjust(
        "users", key={"user_id": ID}, values={"name": "Anna Keller"}, author="Ben",
        reason=f"{MAIL} asked for it",
    )
    company.refresh()
    company.books.close("2024-02")
    company.state.annotate("2024-02-01", f"Call with {NAME}", author="Ben")
    company.state.save_view("Anna", "/accounts", f"where=email={MAIL}")
    (folder / "mappings").mkdir(exist_ok=True)
    (folder / "mappings" / "own.toml").write_text(f'table = "users"\n# such as {MAIL}\n')
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs" / "faults.log").write_text(json.dumps({"id": "1", "said": f"x {MAIL}"}) + "\n")
    waiting = folder / "inbox" / "stripe" / "main"
    waiting.mkdir(parents=True)
    (waiting / "evt_1.json").write_text(json.dumps({"id": "evt_1", "email": MAIL, "name": NAME}))
    return company


@pytest.fixture(scope="module")
def company(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("person") / "project"
    shutil.copytree(kept, folder)
    with Company(folder, clock=lambda: NOW) as made:
        yield made


def holding(folder: Path) -> list[str]:
    """Every file below a folder that holds something of the person, unpacked where it is packed."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            for body in bodies(path):
                found += [f"{path.relative_to(folder)}: {text!r}" for text in BYTES
                          if text in body.lower()]
    return found


def bodies(path: Path) -> Iterator[bytes]:
    body = path.read_bytes()
    yield body
    if path.suffix == ".parquet":
        # Escapes of JSON within JSON are undone, so that no spelling hides.
        yield json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
    elif path.suffix == ".gz":
        yield gzip.decompress(body)
    elif path.suffix == ".db":
        with sqlite3.connect(path) as connection:
            for (table,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall():
                for row in connection.execute(f'SELECT * FROM "{table}"'):
                    for cell in row:
                        if isinstance(cell, bytes):
                            yield zlib.decompress(cell)


def test_everything_is_exported_and_then_forgotten(company: Company) -> None:
    folder = company.folder
    before, versions = figures(company), company.snapshot.tables
    assert holding(folder)
    assert before["mau"] != [0, 0, 0, 0]

    export = company.personal.export(MAIL.upper())
    assert export["person"] == {
        "ids": [BROWSER, ID], "emails": [MAIL], "names": [NAME], "accounts": ["acme"],
    }
    assert {"users", "events", "identities", "answers", "invitations", "tickets", "leads",
            "accounts", "rejects", "adjustments"} <= export["tables"].keys()
    assert [row["comment"] for row in export["tables"]["answers"]] == [
        "I am Anna Keller", "Ask anna.keller@ACME.example",
    ]
    assert len(export["tables"]["rejects"]) == 2
    assert export["earlier"]["users"][0]["role"] == "admin"
    assert {"annotations", "views"} <= export["state"].keys()
    assert {"mappings/own.toml", "logs/faults.log", "inbox/stripe/main/evt_1.json"} <= (
        export["files"].keys()
    )
    json.dumps(export)

    done = company.personal.forget(ID, by="Ben")
    assert holding(folder) == []
    assert done.is_new
    assert done.left == ()
    assert done.tables["users"] >= 2

    assert company.snapshot.tables == versions
    assert figures(company) == before
    with Company(folder, clock=lambda: NOW) as again:
        assert not again.is_due()
        again.refresh(is_full=True)
        assert figures(again) == before
        with again.reading() as engine:
            users = engine.rows("SELECT user_id, email, name, role FROM users ORDER BY user_id")
        assert [row[3] for row in users] == ["owner", "user", "user"]
        assert users[0][0].startswith(done.key)
        assert users[0][2] is None
        assert holding(folder) == []


def test_who_was_forgotten_or_never_known_is_told(company: Company) -> None:
    company.personal.forget(ID)
    first = company.personal.forget(ID)
    assert not first.is_new
    assert company.personal.forget(MAIL).key == first.key
    with pytest.raises(UnknownPersonError, match="was forgotten on 2026-11-22"):
        company.personal.export(BROWSER)
    with pytest.raises(UnknownPersonError, match=r"Nothing is held of 'nobody@x\.example'"):
        company.personal.forget("nobody@x.example")


def test_a_later_import_brings_nobody_back(company: Company) -> None:
    before = figures(company)
    company.personal.forget(ID)
    paths = [
        write_csv(company.folder.parent / f"{table}.csv", rows_of(text))
        for table, text in TABLES.items()
    ]
    with Company(company.folder, clock=lambda: NOW) as again:
        reports = load_files(again.lake, again.config, paths, now=NOW)
        assert [report.accepted for report in reports] == [0] * len(paths)
        again.refresh()
        assert holding(company.folder) == []
        assert figures(again) == before
        # What a load brought comes back under the key as well.
        loads = [load.load for load in again.loads() if load.table == "users"]
        again.books.undo(loads[-1])
        again.refresh()
        assert holding(company.folder) == []
        assert figures(again) == before


def test_a_backup_from_before_is_restored_without_the_person(tmp_path: Path) -> None:
    with build(tmp_path / "project", TABLES) as company:
        back_up(company, tmp_path / "before.tar")
        before = figures(company)
        done = company.personal.forget(MAIL)
        assert done.backups == (str(tmp_path / "before.tar"),)
        kept = (company.folder / "forgotten.json").read_text()
    assert MAIL.lower() not in kept.lower()
    restore(tmp_path / "before.tar", tmp_path / "again", clock=lambda: NOW)
    assert holding(tmp_path / "again") == []
    with Company(tmp_path / "again", clock=lambda: NOW) as again:
        assert figures(again) == before
        with again.reading() as engine:
            keys = [row[0] for row in engine.rows("SELECT user_id FROM users ORDER BY user_id")]
        assert keys[0].startswith(done.key)
    # Where the list does not lie beside the backup, it is named.
    (tmp_path / "before.tar.forgotten.json").unlink()
    (tmp_path / "list.json").write_text(kept)
    restore(tmp_path / "before.tar", tmp_path / "third", forgotten=tmp_path / "list.json")
    assert holding(tmp_path / "third") == []
    restore(tmp_path / "before.tar", tmp_path / "fourth")
    assert holding(tmp_path / "fourth") != []


def test_what_programs_and_sources_send_later_comes_in_under_the_key(tmp_path: Path) -> None:
    body = json.dumps({"id": "cus_1", "email": MAIL, "name": NAME, "plan": {"name": "Pro"}})
    batch = Batch([], objects=(RawObject("customer", "cus_1", body.encode()),))
    note = {"events": [{"event_id": "h1", "event": "viewed", "user_id": ID,
                        "occurred_at": "2024-02-20T10:00:00+00:00",
                        "properties": json.dumps({"email": MAIL})}],
            "links": [["web", BROWSER, ID, "2024-02-20T10:00:00+00:00"]], "traits": [], "bad": []}
    with build(tmp_path / "project", TABLES) as company:
        LakeWriter(company.lake, company.config, now=NOW).write([batch], sender=SENDER)
        company.personal.forget(MAIL)
        assert holding(company.folder) == []
        before = company.lake.rows(company.snapshot, "raw_objects")
        assert before == 1
        LakeWriter(company.lake, company.config, now=NOW).write([batch], sender=SENDER)
        # It is known again: nothing of it is new.
        assert company.lake.rows(company.snapshot, "raw_objects") == before
        company.events.put(Facts(**note), dialect="segment", received_at=NOW.isoformat()).result()
        company.events.drain()
        company.refresh()
        assert holding(company.folder) == []
        with company.reading() as engine:
            assert engine.value("SELECT COUNT(*) FROM identities") == 1
            assert engine.rows("SELECT COUNT(DISTINCT user_id) FROM events e "
                               "WHERE account_id = 'acme'") == [(2,)]
            (raw,) = engine.rows(
                f"SELECT body FROM ({company.lake.scan(company.snapshot, RAW_TABLE, RAW_COLUMNS)})"
            )
        assert json.loads(raw[0])["plan"] == {"name": "Pro"}
